/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of a running container, added and removed from outside. */
#pragma once

#include "src/steps/start.h"

/* Of the plan of plan_exec_mounts(), all or none; start->target_pidfd is the container's init.
 * removes: what is mounted at their places is unmounted. *ret_sure, also on failure: whether it is
 * known what is mounted; false: the process for it did not answer, and some may be. */
int step_mounts_live(struct start *start, bool removes, bool *ret_sure, struct err *err) MUST_CHECK;
