/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/base/err.h"

/* Blocks traffic through tap0 to the addresses where clouds hand out a machine's credentials to
 * anyone on it: 169.254.0.0/16, fd00:ec2::/32, fd20:ce::254 and fe80::a9fe:a9fe. sock is an
 * rtnl_open() socket in the network namespace. */
int metadata_close(int sock, struct err *err) MUST_CHECK;
