/* SPDX-License-Identifier: Apache-2.0 */
/* The container's cgroup: made with its limits, entered. */
#include "src/steps/steps.h"

int step_cgroup_create(struct run *run, struct err *err)
{
	const struct cgroup_plan *plan = &run->plan->cgroup;
	int r = driver_create(plan, &run->cgroup, err);

	if (r == 0)
		r = driver_apply(&run->cgroup, plan, err);
	if (r == 0 && plan->delegate)
		r = driver_delegate(&run->cgroup, plan->delegate_uid, plan->delegate_gid, err);
	return r;
}

int step_cgroup_join(struct run *run, struct err *err)
{
	/* clone3() has put us into the v2 tree; the v1 hierarchies have no such call. */
	if (run->cgroup.kind == CGROUP_DRIVER_V1)
		return driver_join_self(&run->cgroup, err);
	return 0;
}
