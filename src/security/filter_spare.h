/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/oci/config.h"

/* Whether the profile does not ask its agent about anything that a process of ours calls between
 * loading the filter and the moment when the agent has its listener. Unknown profiles do. Pure. */
bool filter_spares_us(const struct oci_seccomp *seccomp);
