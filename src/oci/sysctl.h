/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of linux.sysctl. Pure. */
#pragma once

#include "src/base/err.h"

#include <stddef.h>

enum { SYSCTL_PATH_MAX = 256 };

/* The path below /proc/sys, without a leading slash: "net/ipv4/conf/eth0.100/forwarding" for that
 * key and for "net.ipv4.conf.eth0/100.forwarding" (whichever of "." and "/" comes first is the
 * separator, the other one stands for a dot). -EINVAL for other characters, and for components that
 * are empty, "." or "..". */
int sysctl_path(const char *key, char ret[SYSCTL_PATH_MAX]) MUST_CHECK;

/* The CLONE_NEW* flag of the namespace that a path belongs to; 0 if it is host-wide. */
int sysctl_namespace(const char *path);
