/* SPDX-License-Identifier: Apache-2.0 */
/* The container's cgroup: made with its limits, entered. */
#include "src/steps/steps.h"

#include "src/base/log.h"
#include "src/state/store.h"

/* What was made has been taken back. What is there all the same, with processes in it or frozen, is somebody
 * else's: neither we nor a later `delete` may remove it, and kill what is inside, as the container's. */
static void disown(struct run *run, enum driver_part part)
{
	struct cgroup_dir *dirs = run->state->cgroup_dirs.v;
	size_t n = run->state->cgroup_dirs.n, own = 0;
	struct err err;

	for (size_t i = 0; i < n; i++)
		if (part == DRIVER_V1_PART && driver_is_in(&dirs[i], DRIVER_V2_PART))
			dirs[own++] = dirs[i];
	run->state->cgroup_dirs.n = own;
	if (store_write(run->state_dir, run->state, &err) < 0)
		log_warning("%s", err.text);
}

int step_cgroup_delegate(struct run *run, struct err *err)
{
	const struct cgroup_plan *plan = &run->plan->cgroup;
	struct err why = { 0 };
	int r = plan->delegate ? driver_delegate(&run->cgroup, plan->delegate_uid,
						 plan->delegate_gid, &why)
			       : 0;

	if (r ==
	    -EPERM) { /* a user may give nothing away; the container can do without, as most do */
		run_note(run, "%s", why.text);
		return 0;
	}
	if (r < 0)
		*err = why;
	return r;
}

static int create(struct run *run, enum driver_part part, struct err *err)
{
	const struct cgroup_plan *plan = &run->plan->cgroup;
	int r = driver_create(plan, part, &run->cgroup, err);

	if (r < 0)
		disown(run, part);
	if (r < 0 || part == DRIVER_V2_PART)
		return r;
	r = driver_apply(&run->cgroup, plan, err);
	if (r == 0 && plan->inside)
		r = driver_descend(plan, &run->cgroup, err);
	return r < 0 ? r : step_cgroup_delegate(run, err);
}

int step_cgroup_create(struct run *run, struct err *err)
{
	return create(run, DRIVER_ALL, err);
}

int step_cgroup_create_v2(struct run *run, struct err *err)
{
	return create(run, DRIVER_V2_PART, err);
}

int step_cgroup_create_v1(struct run *run, struct err *err)
{
	return create(run, DRIVER_V1_PART, err);
}

int step_cgroup_join(struct run *run, struct err *err)
{
	const struct cgroup_plan *plan = &run->plan->cgroup;

	int r = run->joins_itself ? driver_join_self_slowly(&run->cgroup, err) : 0;

	if (r < 0)
		return r;
	/* Else clone3() has put us into the v2 tree; the v1 hierarchies have no such call. */
	if (run->plan->flags & PLAN_CGROUP_LATE)
		return driver_join_by_path(plan->dirs, plan->n_dirs, err);
	if (run->cgroup.kind == CGROUP_DRIVER_V1)
		return driver_join_self(&run->cgroup, err);
	return 0;
}
