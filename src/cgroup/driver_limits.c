/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the planned limits. For two limits that depend on each other (memory and swap, quota and
 * period) the order that the kernel accepts depends on the current values, so a refused write is
 * retried after the rest of its section. A running container gets all of the new limits or none:
 * the previous contents are kept, and written back in reverse order if the kernel, or a later step
 * of the caller, refuses one. */
#include "src/cgroup/driver.h"

#include "src/base/io.h"
#include "src/base/log.h"
#include "src/base/parse.h"
#include "src/base/str.h"
#include "src/cgroup/v1.h"
#include "src/cgroup/v2.h"
#include "src/plan/plan_cgroup.h"

#include <string.h>

static int dir_of(const struct cgroup *cgroup, const struct cgroup_write *w)
{
	return cgroup->place.kind == CGROUP_DRIVER_V2 || w->unified
		       ? group_v2(cgroup)
		       : group_find(cgroup, w->controller);
}

static void give_hint(const struct cgroup_write *w, int error, struct err *err)
{
	if (error == ENOENT)
		err_hint(err,
			 "the controller %s is not enabled for this cgroup, or the kernel was "
			 "built without this limit",
			 w->controller);
	else if (error == ENODEV || error == ENXIO)
		err_hint(err, "the host has no such device");
	else if (error == EBUSY)
		err_hint(err, "the current usage is above this limit");
	else if (str_equal(w->controller, "cpuset"))
		err_hint(err, "only CPUs and nodes in cpuset.cpus and cpuset.mems of the parent "
			      "cgroup can be used");
	else if (str_equal(w->file, "cpu.max") || str_equal(w->file, "cpu.cfs_quota_us"))
		err_hint(err, "the quota must be at least 1000 (1 ms) and within the parent's, the "
			      "period from 1000 to 1000000");
	else if (str_starts(w->file, "cpu.rt_"))
		err_hint(err, "give the cgroups above it a real-time budget first; many kernels "
			      "are built without CONFIG_RT_GROUP_SCHED");
}

/* v1 refuses a memory limit above that of memory and swap together. */
static void name_swap_limit(const struct cgroup *cgroup, int dir, const struct cgroup_write *w,
			    struct err *err)
{
	static const char sum[] = "memory.memsw.limit_in_bytes";
	uint64_t limit, wanted;
	char text[64];

	if (str_equal(w->file, "memory.limit_in_bytes") &&
	    io_read_small(cgroup->fds[dir], sum, text, sizeof(text)) > 0 &&
	    parse_u64(text, &limit) == 0 && parse_u64(w->value, &wanted) == 0 && wanted > limit)
		err_hint(err,
			 "memory and swap together are limited to %s: raise that limit, too, with "
			 "--memory-swap",
			 text);
}

static int write_failed(const struct cgroup *cgroup, int dir, const struct cgroup_write *w,
			int error, struct err *err)
{
	(void)err_errno(err, error, ERR_AT "%s: write \"%s\" to %s%s/%s", w->json_path, w->value,
			cgroup->place.dirs.v[dir].mount, cgroup->place.dirs.v[dir].path, w->file);
	give_hint(w, error, err);
	if (error == EINVAL)
		name_swap_limit(cgroup, dir, w, err);
	return -error;
}

static int check_usage(int fd, const struct cgroup_write *w, struct err *err)
{
	uint64_t usage, limit;
	char text[64];

	if (!w->usage_file || io_read_small(fd, w->usage_file, text, sizeof(text)) <= 0 ||
	    parse_u64(text, &usage) < 0 || parse_u64(w->value, &limit) < 0 || usage <= limit)
		return 0;
	return err_set(err, EBUSY,
		       ERR_AT "%s: checkBeforeUpdate is set: rejecting memory limit %s <= usage %s",
		       w->json_path, w->value, text);
}

static int write_value(int fd, const struct cgroup_write *w)
{
	int r = io_write_at(fd, w->file, w->value);

	if (r == -ENOENT && w->alt_file)
		r = io_write_at(fd, w->alt_file, w->alt_value);
	return r == -ENOENT && w->may_miss ? 0 : r;
}

static int apply_one(const struct cgroup *cgroup, const struct cgroup_write *w, struct err *err)
{
	int dir = dir_of(cgroup, w), r;

	if (dir < 0 && w->required && !w->may_miss)
		return err_set(err, ENODEV,
			       ERR_AT "%s: the requested cgroup controller `%s` is not available "
				      "on this host",
			       w->json_path, w->controller);
	if (dir < 0)
		return 0;
	r = check_usage(cgroup->fds[dir], w, err);
	if (r < 0)
		return r;
	r = write_value(cgroup->fds[dir], w);
	if (r < 0 && w->required)
		return write_failed(cgroup, dir, w, -r, err);
	if (r < 0)
		log_warning("%s: this kernel does not take %s: %s", w->json_path, w->file,
			    err_why(-r));
	return 0;
}

/* The length of a section: "linux.resources.memory.limit" up to the end of "memory". */
static size_t section_len(const char *path)
{
	size_t skip = sizeof("linux.resources.") - 1;

	return strlen(path) < skip ? strlen(path) : skip + strcspn(path + skip, ".[");
}

static bool same_section(const struct cgroup_write *a, const struct cgroup_write *b)
{
	size_t len = section_len(a->json_path);

	return len == section_len(b->json_path) && memcmp(a->json_path, b->json_path, len) == 0;
}

static int apply_section(const struct cgroup *cgroup, const struct cgroup_write *w, size_t n,
			 struct err *err)
{
	size_t failed = 0, again = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		r = apply_one(cgroup, &w[i], err);
		if (r < 0 && r != -EINVAL && r != -EBUSY)
			return r;
		failed += r < 0;
	}
	if (!failed)
		return 0;
	r = 0;
	for (; r == 0 && again < n; again++) {
		*err = (struct err){ 0 };
		r = apply_one(cgroup, &w[again], err);
	}
	return r;
}

static int apply_devices(const struct cgroup *cgroup, const struct cgroup_plan *plan,
			 struct err *err)
{
	int v1 = group_find(cgroup, "devices"), v2 = group_v2(cgroup), r = 0;
	bool asked = plan->resources && plan->resources->devices.n;

	if (v1 >= 0)
		return v1_apply_devices(cgroup->fds[v1], plan, err);
	if (v2 >= 0)
		r = v2_apply_devices(cgroup->fds[v2], plan, err);
	if (r < 0 && !asked) {
		log_debug("%s", err->text);
		return 0;
	}
	return r;
}

int driver_apply(const struct cgroup *cgroup, const struct cgroup_plan *plan, struct err *err)
{
	size_t i = 0;

	while (i < plan->n_writes) {
		size_t n = 1;
		int r;

		while (i + n < plan->n_writes &&
		       same_section(&plan->writes[i], &plan->writes[i + n]))
			n++;
		r = apply_section(cgroup, &plan->writes[i], n, err);
		if (r < 0)
			return r;
		i += n;
	}
	return plan->limit_devices ? apply_devices(cgroup, plan, err) : 0;
}

struct before {
	int dir; /* descriptor; -1: nothing to restore */
	const char *file, *value;
};

struct driver_before {
	struct before *v;
	size_t n;
};

static struct before remember(const struct cgroup *cgroup, const struct cgroup_write *w,
			      struct arena *arena)
{
	int dir = dir_of(cgroup, w);
	struct before before = { .dir = -1, .file = w->file };
	const char *value = w->value;
	char *text;
	int r;

	if (dir < 0)
		return before;
	r = group_read(cgroup->fds[dir], w->file, arena, &text);
	if (r == -ENOENT && w->alt_file) {
		before.file = w->alt_file;
		value = w->alt_value;
		r = group_read(cgroup->fds[dir], w->alt_file, arena, &text);
	}
	if (r < 0)
		return before;
	before.value = plan_writes_old(arena, before.file, value, text);
	before.dir = before.value ? cgroup->fds[dir] : -1;
	return before;
}

/* Two rounds, because the order of dependent limits that suited the new values may not suit the
 * old. */
void driver_update_back(const struct driver_before *before)
{
	for (int turn = 0; turn < 2; turn++)
		for (size_t i = before->n; i-- > 0;)
			if (before->v[i].dir >= 0)
				(void)io_write_at(before->v[i].dir, before->v[i].file,
						  before->v[i].value);
}

int driver_update(const struct cgroup *cgroup, const struct cgroup_plan *plan, struct arena *arena,
		  const struct driver_before **ret, struct err *err)
{
	struct driver_before *before = arena_new(arena, struct driver_before);
	int r;

	before->v = arena_array(arena, plan->n_writes + 1, sizeof(*before->v));
	for (; before->n < plan->n_writes; before->n++)
		before->v[before->n] = remember(cgroup, &plan->writes[before->n], arena);
	r = driver_apply(cgroup, plan, err);
	if (r < 0)
		driver_update_back(before);
	*ret = before;
	return r;
}
