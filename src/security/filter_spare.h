/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/oci/config.h"

/* Whether the profile consults its agent about none of the calls that our process makes between
 * loading the filter and the moment when the agent has its listener. False for unknown profiles.
 * Pure. */
bool filter_spares_us(const struct oci_seccomp *seccomp);
