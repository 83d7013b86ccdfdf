/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/cgroup_of.h"

static int check(const struct state *state, const char *what_for, struct err *err)
{
	if (state->cgroup_driver > (int)CGROUP_DRIVER_NONE + 1)
		return 0;
	(void)err_set(err, ENOTSUP, "%s needs a cgroup, and container %s has none", what_for,
		      state->id);
	err_hint(err, "`usrun explain %s` tells why", state->id);
	return -ENOTSUP;
}

int cgroup_of_open(const struct state *state, const char *what_for, struct cgroup *ret,
		   struct err *err)
{
	int r = check(state, what_for, err);

	*ret = (struct cgroup){ 0 };
	return r < 0 ? r
		     : driver_open_main((enum cgroup_driver_kind)(state->cgroup_driver - 1),
					state->cgroup_dirs.v, state->cgroup_dirs.n, ret, err);
}

int cgroup_of_open_all(const struct state *state, const char *what_for, struct cgroup *ret,
		       struct err *err)
{
	int r = check(state, what_for, err);

	*ret = (struct cgroup){ 0 };
	return r < 0 ? r
		     : driver_open((enum cgroup_driver_kind)(state->cgroup_driver - 1),
				   state->cgroup_dirs.v, state->cgroup_dirs.n, ret, err);
}
