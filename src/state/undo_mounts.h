/* SPDX-License-Identifier: Apache-2.0 */
/* Takes away what a container without a mount namespace of its own has mounted among the mounts of
 * others. */
#pragma once

#include "src/state/store.h"

/* Detaches the rootfs and all below it, in the mount namespace where it is; what somebody else has
 * mounted there stays. What is not there any more is no error; -EBUSY: something else is mounted
 * over it. */
int undo_mounts_run(const struct state *state, struct err *err) MUST_CHECK;
