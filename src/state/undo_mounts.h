/* SPDX-License-Identifier: Apache-2.0 */
/* Removes the mounts of a container that shares its mount namespace with others. */
#pragma once

#include "src/state/store.h"

/* Detaches the rootfs and everything below it, in the mount namespace where it is; mounts of others
 * there stay. Missing mounts are no error. -EBUSY: another mount covers it. */
int undo_mounts_run(const struct state *state, struct err *err) MUST_CHECK;
