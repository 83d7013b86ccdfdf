/* SPDX-License-Identifier: Apache-2.0 */
/* The group of resctrl that a config asks for. Pure; also for `delete` of a container without a state. */
#pragma once

#include "src/plan/plan.h"

/* All zero when it asks for none. */
struct rdt_plan plan_rdt_of(struct arena *arena, const struct oci_config *config, const char *id);
