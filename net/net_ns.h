/* SPDX-License-Identifier: Apache-2.0 */
/* A container's network namespace, from outside. */
#pragma once

#include "src/base/err.h"

/* Opens a socket's network namespace, and the user namespace that owns it; *ret_userns is -1 if
 * that is ours. */
int net_ns_open(int member, int *ret_netns, int *ret_userns, struct err *err) MUST_CHECK;

/* Moves this process into the network namespace, with no way back if a container's user namespace
 * owns it, and creates the device there. A persistent device lives as long as its namespace:
 * otherwise the kernel removes it when slirp4netns closes it, which takes tens of milliseconds, and
 * delays the helper's exit by as much. 0 or -errno. */
int net_ns_create_device(int netns);
