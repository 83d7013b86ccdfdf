/* SPDX-License-Identifier: Apache-2.0 */
/* Adds mounts to a running container, and removes them, from outside. */
#pragma once

#include "src/steps/start.h"

/* Adds the mounts of plan_exec_mounts(), all or none; start->target_pidfd is the container's init.
 * removes: unmounts their places instead. *ret_sure, also set on failure: whether it is known what
 * is mounted; false: the process did not answer, and some of them may be. */
int step_mounts_live(struct start *start, bool removes, bool *ret_sure, struct err *err) MUST_CHECK;
