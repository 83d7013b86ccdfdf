/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/base/err.h"

/* Lets nothing of a network namespace, that of a socket of rtnl_open(), out by its device tap0 to
 * the addresses where clouds tell whoever asks from a machine its credentials: 169.254.0.0/16,
 * fd00:ec2::/32, fd20:ce::254 and fe80::a9fe:a9fe. */
int metadata_close(int sock, struct err *err) MUST_CHECK;
