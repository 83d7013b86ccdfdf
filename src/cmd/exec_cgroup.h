/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/cmd/options.h"
#include "src/state/store.h"

/* exec --cgroup [CONTROLLER[,CONTROLLER...]:]PATH, each: puts groups below the container's own into the directories of
 * `state`, of which the process then joins those. Controllers exist on v1 only; without them it is every hierarchy.
 * -ENOENT for a group that is not there. */
int exec_cgroup_apply(struct arena *arena, const struct option_list *values, struct state *state,
		      struct err *err) MUST_CHECK;
