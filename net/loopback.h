/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/base/err.h"

/* Brings "lo" up in the calling process's network namespace (netdevice(7)). */
int loopback_up(struct err *err) MUST_CHECK;
