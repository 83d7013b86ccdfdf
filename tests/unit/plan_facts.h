/* SPDX-License-Identifier: Apache-2.0 */
/* A caller for tests of the planner. */
#pragma once

#include "src/host/facts.h"

static const struct idmap_range whole[] = { { 0, 0, 4294967295u } };

/* Root of the machine, all capabilities, no cgroups. */
static inline struct facts root_facts(void)
{
	return (struct facts){ .parts = FACTS_ALL,
			       .caller = { .initial_userns = true,
					   .owns_mounts = true,
					   .setgroups_allowed = true,
					   .caps_effective = ~0ULL,
					   .caps_bounding = ~0ULL,
					   .uid_map = { whole, 1 },
					   .gid_map = { whole, 1 } } };
}
