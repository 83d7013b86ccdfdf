/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/oci/config.h"

/* Whether the profile asks its agent about nothing that a process of ours calls between the load of
 * the filter and the moment when the agent has its listener. What is not known asks. Pure. */
bool filter_spares_us(const struct oci_seccomp *seccomp);
