/* SPDX-License-Identifier: Apache-2.0 */
/* Maps container ids to host ids (user_namespaces(7)). Pure; idmap_write.h talks to the kernel. */
#pragma once

#include "src/base/arena.h"

#include <stdint.h>

struct idmap_range {
	uint32_t inside, outside, count;
};

struct idmap {
	const struct idmap_range *v; /* arena */
	size_t n;
};

/* The kernel accepts at most this many lines in a map. */
enum { IDMAP_MAX_RANGES = 340 };

static inline bool idmap_is_empty(const struct idmap *map)
{
	return map->n == 0;
}

/* Whether an unprivileged caller could write the map: its own id, and no other. */
static inline bool idmap_is_single(const struct idmap *map, uint32_t own)
{
	return map->n == 1 && map->v[0].count == 1 && map->v[0].outside == own;
}

/* Translates a container id to a host id, and back. -ERANGE if no range covers it. */
int64_t idmap_to_host(const struct idmap *map, uint32_t inside) MUST_CHECK;
int64_t idmap_to_container(const struct idmap *map, uint32_t outside) MUST_CHECK;

/* Checks for what the kernel would refuse with a bare EINVAL: an empty range, more than 340 ranges,
 * a range past id 2^32-2, two ranges that overlap inside or outside. what is "uid" or "gid"; path
 * is the JSON path or option to name ("linux.uidMappings"). */
int idmap_check(const struct idmap *map, const char *what, const char *path,
		struct err *err) MUST_CHECK;

/* Splits ranges whose host ids are those of a user namespace (parent: inside = here, outside =
 * above), so that each lies within one range of parent: the kernel refuses a range that spans two.
 * Returns -ERANGE, with an error that names the first id missing from parent. */
int idmap_split(struct arena *arena, const struct idmap *map, const struct idmap *parent,
		struct idmap *ret, struct err *err) MUST_CHECK;

/* Maps container root to own, and ids from 1 to the given host ranges, one after another. Merges
 * adjacent ranges, leaves out ids already used (or equal to own), and stops at the kernel's limits.
 * Returns whether all ranges are mapped. */
bool idmap_build_default(struct arena *arena, uint32_t own, const struct idmap_range *ranges,
			 size_t n, struct idmap *ret);

/* Moves the caller's own id in a map of idmap_build_default() to another container id; the ids up
 * to that one shift down by one. */
struct idmap idmap_move_own(struct arena *arena, const struct idmap *map, uint32_t inside);

/* Parses the lines of /proc/PID/uid_map ("inside outside count"). */
int idmap_parse(struct arena *arena, const char *text, struct idmap *ret,
		struct err *err) MUST_CHECK;

/* Formats a map for that file. */
char *idmap_format(struct arena *arena, const struct idmap *map) __attribute__((returns_nonnull));

/* Whether both hold the same ranges in the same order. */
bool idmap_equal(const struct idmap *a, const struct idmap *b);

/* Finds the first of count consecutive host ids from start on that is in none of the ranges. false
 * if all are covered. */
bool idmap_find_missing(const struct idmap_range *ranges, size_t n, uint32_t start, uint32_t count,
			uint32_t *ret);
