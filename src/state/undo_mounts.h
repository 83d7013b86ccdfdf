/* SPDX-License-Identifier: Apache-2.0 */
/* Removes the mounts that a container without a mount namespace of its own made among others'
 * mounts. */
#pragma once

#include "src/state/store.h"

/* Detaches the rootfs and everything below it, in the mount namespace where it is; somebody else's
 * mounts there stay. Missing mounts are no error; -EBUSY: something else is mounted over it. */
int undo_mounts_run(const struct state *state, struct err *err) MUST_CHECK;
