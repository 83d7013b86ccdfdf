/* SPDX-License-Identifier: Apache-2.0 */
/* A container's network namespace, from outside. */
#pragma once

#include "src/base/err.h"

#include <stdbool.h>

/* Opens a socket's network namespace, and the user namespace that owns it; *ret_userns is -1 if
 * that is ours. */
int net_ns_open(int member, int *ret_netns, int *ret_userns, struct err *err) MUST_CHECK;

/* Creates the device in this process's network namespace. A persistent one lives as long as its
 * namespace: otherwise the kernel removes it when slirp4netns closes it, which takes tens of
 * milliseconds, and delays the helper's exit by as much. 0 or -errno. */
int net_ns_create_device(void);

/* Removes the routes that an earlier slirp4netns has added, if it is there: another could not add
 * them. */
void net_ns_take_down_device(int member);

/* Whether it is in the network namespace of the socket. */
bool net_ns_has_device(int member);
