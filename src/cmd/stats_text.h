/* SPDX-License-Identifier: Apache-2.0 */
/* The table of `stats`. Pure. */
#pragma once

#include "src/base/str.h"
#include "src/cmd/events_json.h"

struct stats_sample {
	const char *id;
	uint64_t when, since; /* ns since boot: of the sample, of the container's start */
	/* Not set if nobody counts them, for want of the controller. */
	struct json_uint cpu;                 /* ns that were used */
	struct json_uint memory, limit, pids; /* limit UINT64_MAX: none */
};

struct stats_sample stats_text_sample(const struct events_source *source, const char *id,
				      uint64_t when, uint64_t since);

/* CPU time since the sample of the same id in before, in hundredths of a per cent of one CPU;
 * without one, since the container's start. */
uint64_t stats_text_percent(const struct stats_sample *sample, const struct stats_sample *before,
			    size_t n_before);

void stats_text_table(struct str *out, const struct stats_sample *v, size_t n,
		      const struct stats_sample *before, size_t n_before);
void stats_text_json(struct json_write *w, const struct stats_sample *v, size_t n,
		     const struct stats_sample *before, size_t n_before);
