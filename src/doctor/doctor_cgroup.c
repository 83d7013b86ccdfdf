/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroups, and the limits available. */
#include "src/doctor/doctor_parts.h"

#include "src/base/io.h"
#include "src/base/str.h"
#include "src/cgroup/driver.h"
#include "src/cgroup/mark.h"
#include "src/state/status.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void doctor_cgroup_place(struct doctor *d, const char *argument, struct doctor_finding *ret)
{
	static const char *const names[] = {
		[FACTS_CGROUP_NONE] = "none",
		[FACTS_CGROUP_V2] = "v2",
		[FACTS_CGROUP_V1] = "v1",
		[FACTS_CGROUP_HYBRID] = "hybrid (v1, and a v2 tree without controllers)",
	};
	const struct facts_cgroup *cgroup = &d->facts.cgroup;
	const char *own = cgroup->n ? cgroup->v[cgroup->n - 1].own : "";

	(void)argument;
	if (cgroup->mode == FACTS_CGROUP_NONE)
		doctor_warn(d, ret,
			    "as root: mount -t cgroup2 cgroup2 /sys/fs/cgroup; of an outer "
			    "container: give it a cgroup namespace and a writable /sys/fs/cgroup",
			    "no control groups are mounted at /sys/fs/cgroup: no limits, and no "
			    "list of a container's processes");
	else if (d->plan && d->plan->cgroup.place.kind == CGROUP_DRIVER_NONE)
		doctor_ok(d, ret, "%s; usrun runs in %s; %s", names[cgroup->mode], own,
			  d->plan->cgroup.why ? d->plan->cgroup.why : "containers have none");
	else
		doctor_ok(d, ret, "%s; usrun runs in %s; containers have their own",
			  names[cgroup->mode], own);
}

static const char *resources_for(const char *limit)
{
	static const struct {
		const char *limit, *json;
	} table[] = {
		{ "memory", "{\"memory\":{\"limit\":268435456}}" },
		{ "pids", "{\"pids\":{\"limit\":1000}}" },
		{ "cpu", "{\"cpu\":{\"quota\":50000,\"period\":100000}}" },
		{ "cpuset", "{\"cpu\":{\"cpus\":\"0\"}}" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (str_equal(table[i].limit, limit))
			return table[i].json;
	return NULL;
}

const char *doctor_mark_prefix(struct arena *arena)
{
	struct stat ns;

	return stat("/proc/self/ns/pid", &ns) == 0
		       ? arena_strf(arena, "doctor:%llu ", (unsigned long long)ns.st_ino)
		       : "";
}

bool doctor_has_ended(const char *rest)
{
	unsigned long long start;
	struct err ignored;
	uint64_t now;
	int pid;

	return sscanf(rest, "%d %llu", &pid, &start) == 2 && pid > 0 &&
	       status_start_time(pid, &now, &ignored) == 0 && now != start;
}

/* Marks the cgroup for `gc`, in case this process is killed. One that cannot be marked must then be
 * removed by hand. */
static int mark_as_ours(struct doctor *d, const struct cgroup *cgroup)
{
	const char *prefix = doctor_mark_prefix(d->arena);
	char other[MARK_SIZE];
	struct err ignored;
	uint64_t start;

	if (!*prefix || status_start_time(getpid(), &start, &ignored) < 0)
		return 0;
	return mark_claim(
		cgroup, NULL,
		arena_strf(d->arena, "%s%d %llu", prefix, (int)getpid(), (unsigned long long)start),
		false, other);
}

/* Creates a cgroup of our own, and removes it before anybody can enter it. */
static int try_group(struct doctor *d, const struct plan *plan, struct err *err)
{
	struct cgroup_place place = driver_find_existing(d->arena, &plan->cgroup.place);
	struct cgroup cgroup = { 0 };
	struct err later;
	int removed, r = driver_create(&plan->cgroup, DRIVER_ALL, &cgroup, err);

	if (r < 0)
		return r;
	if (mark_as_ours(d, &cgroup) < 0) {
		driver_close(&cgroup);
		return err_set(err, EEXIST, "the cgroup %s belongs to another program",
			       place.dirs.n ? place.dirs.v[0].path : "of the trial");
	}
	r = driver_apply(&cgroup, &plan->cgroup, err);
	driver_close(&cgroup);
	removed = driver_remove_empty(&place, r < 0 ? &later : err);
	if (r == 0 && removed == -EBUSY) /* a container may have the same name */
		r = err_set(err, EBUSY, "other processes are in the cgroup %s by now",
			    place.dirs.v[0].path);
	return r < 0 ? r : removed;
}

/* systemd accepts a limit whose controller its own cgroup lacks, and ignores it. */
static int check_manager(struct doctor *d, const char *controller, struct err *err)
{
	const char *dir =
		arena_strf(d->arena, "/sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service",
			   d->facts.caller.uid, d->facts.caller.uid);
	char has[256];

	if (d->facts.systemd.system || d->facts.cgroup.mode != FACTS_CGROUP_V2 ||
	    io_read_small(AT_FDCWD, arena_strf(d->arena, "%s/cgroup.controllers", dir), has,
			  sizeof(has)) < 0 ||
	    str_has_word(has, controller, ' '))
		return 0;
	(void)err_set(err, ENOTSUP,
		      "the systemd manager of this user has no controller `%s` (it has %s)",
		      controller, *has ? has : "none");
	return err_hint(err, "as root: mkdir -p /etc/systemd/system/user@.service.d && printf "
			     "'[Service]\\nDelegate=cpu cpuset io memory pids\\n' > "
			     "/etc/systemd/system/user@.service.d/delegate.conf && systemctl "
			     "daemon-reload; then log in again");
}

void doctor_cgroup_limit(struct doctor *d, const char *limit, struct doctor_finding *ret)
{
	const struct plan *plan;
	struct err err = { 0 };
	int r = doctor_plan(d, resources_for(limit), NULL, &plan, &err);

	if (r == 0 && plan->cgroup.place.kind == CGROUP_DRIVER_NONE)
		r = err_set(&err, ENOTSUP, "containers have no cgroup");
	if (r == 0)
		r = plan->flags & PLAN_CGROUP_UNIT ? check_manager(d, limit, &err)
						   : try_group(d, plan, &err);
	if (r < 0)
		doctor_say(d, ret, DOCTOR_WARN, &err);
	else
		doctor_ok(d, ret, "%s",
			  plan->flags & PLAN_CGROUP_UNIT ? "through a unit of systemd"
							 : "set one in a cgroup of its own");
}
