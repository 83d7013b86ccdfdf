/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of a container that runs: all of them, or none. What each file said before is kept, and written
 * back from the last to the first when the kernel, or whoever comes after it, refuses one. */
#include "src/cgroup/driver_priv.h"

#include "src/base/io.h"
#include "src/plan/plan_writes.h"

struct before {
	int dir; /* descriptor; -1: nothing to write back */
	const char *file, *value;
};

struct driver_before {
	struct before *v;
	size_t n;
};

ssize_t driver_read(const struct cgroup *cgroup, const char *controller, const char *file,
		    char *buf, size_t size)
{
	int dir = cgroup->place.kind == CGROUP_DRIVER_V2 ? driver_priv_v2(cgroup)
							 : driver_priv_find(cgroup, controller);

	return dir < 0 ? -ENOENT : io_read_small(cgroup->fds[dir], file, buf, size);
}

static struct before remember(const struct cgroup *cgroup, const struct cgroup_write *w,
			      struct arena *arena)
{
	int dir = driver_priv_dir(cgroup, w);
	struct before before = { .dir = -1, .file = w->file };
	const char *value = w->value;
	char text[4096];
	ssize_t n;

	if (dir < 0)
		return before;
	n = io_read_small(cgroup->fds[dir], w->file, text, sizeof(text));
	if (n == -ENOENT && w->alt_file) {
		before.file = w->alt_file;
		value = w->alt_value;
		n = io_read_small(cgroup->fds[dir], w->alt_file, text, sizeof(text));
	}
	if (n < 0)
		return before;
	before.value = plan_writes_old(arena, before.file, value, text);
	before.dir = before.value ? cgroup->fds[dir] : -1;
	return before;
}

/* Twice: which of two that depend on each other comes first was for the new values, not for these. */
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
