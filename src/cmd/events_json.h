/* SPDX-License-Identifier: Apache-2.0 */
/* The resource use of a container as the document of `events`. Pure: files are read through a
 * function. */
#pragma once

#include "src/base/json_write.h"

struct events_source {
	bool v2;
	/* The text of a file of the container's cgroup, or NULL. */
	const char *(*read)(const struct events_source *source, const char *controller,
			    const char *file);
	const void *data;
	struct arena *arena;
	int *shortage; /* becomes -errno if a file that is there could not be read (err.h) */
};

/* {"type":"stats","id":…,"data":{…}} */
void events_json_stats(struct json_write *w, const char *id, const struct events_source *source);

/* {"type":"oom","id":…} */
void events_json_oom(struct json_write *w, const char *id);

/* A number from "name value" lines; 0 if there is none. */
uint64_t events_json_field(const char *text, const char *name);

/* The number at the start of a text; UINT64_MAX for "max". */
uint64_t events_json_value(const char *text);

/* A duration as Go writes them (5s, 1m30s, 200ms) in milliseconds. */
int events_json_duration(const char *text, int64_t *ret) MUST_CHECK;
