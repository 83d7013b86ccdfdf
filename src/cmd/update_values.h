/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `update` as the resources of a config. Pure. */
#pragma once

#include "src/oci/config.h"

struct update_texts { /* as they were given; NULL: not given */
	const char *memory, *reservation, *swap, *shares, *quota, *period, *burst, *idle,
		*rt_period, *rt_runtime, *cpus, *mems, *pids, *weight;
};

int update_values_parse(struct arena *arena, const struct update_texts *texts,
			const struct oci_resources **ret, struct err *err) MUST_CHECK;

/* The option, such as "--memory", that gives the value at a JSON path of a config, or NULL. */
const char *update_values_option(const char *path);

/* v2 has one file for quota and period, and counts swap without memory: a value given alone is
 * completed by the one in force, as read from cpu.max and memory.max ("": unknown). */
const struct oci_resources *update_values_complete(struct arena *arena,
						   const struct oci_resources *resources,
						   const char *cpu_max, const char *memory_max);

/* A number of bytes followed by k, m, g, t or p, in either case, and perhaps b or ib; or -1. */
int update_values_size(const char *text, int64_t *ret) MUST_CHECK;
