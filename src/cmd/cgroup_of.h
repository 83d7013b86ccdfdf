/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/state/store.h"

/* Opens the cgroup of a container. -ENOTSUP where it has none: what_for says who would need it. */
int cgroup_of_open(const struct state *state, const char *what_for, struct cgroup *ret, struct err *err)
	MUST_CHECK;
