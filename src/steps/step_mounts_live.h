/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of a container that runs, added and removed from outside. */
#pragma once

#include "src/steps/start.h"

/* Of the plan of plan_exec_mounts(), all or none; start->target_pidfd is the container's init.
 * removes: what is mounted at their places is unmounted. -ETIMEDOUT, -EPIPE: some may be there. */
int step_mounts_live(struct start *start, bool removes, struct err *err) MUST_CHECK;
