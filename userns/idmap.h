/* SPDX-License-Identifier: Apache-2.0 */
/* Maps ids of a container to ids of the host (user_namespaces(7)). Pure; idmap_write.h is the
 * kernel side. */
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

/* Whether nothing is mapped. */
static inline bool idmap_is_empty(const struct idmap *map)
{
	return map->n == 0;
}

/* Whether a caller without any rights could write it: its own id, and no other. */
static inline bool idmap_is_single(const struct idmap *map, uint32_t own)
{
	return map->n == 1 && map->v[0].count == 1 && map->v[0].outside == own;
}

/* The host's id for a container's id, and back. -ERANGE if no range covers it. */
int64_t idmap_to_host(const struct idmap *map, uint32_t inside) MUST_CHECK;
int64_t idmap_to_container(const struct idmap *map, uint32_t outside) MUST_CHECK;

/* What the kernel would refuse with a bare EINVAL: an empty range, more than 340 ranges, a range
 * past 2^32-1, two ranges that overlap inside or outside. what is "uid" or "gid", path the JSON
 * path or the option to name ("linux.uidMappings"). */
int idmap_check(const struct idmap *map, const char *what, const char *path,
		struct err *err) MUST_CHECK;

/* Ranges given in ids of an enclosing namespace (parent: inside = here, outside = above) split so
 * that each lies in one range of parent: the kernel refuses a range that spans two. -ERANGE with an
 * error that names the first id that parent does not have. */
int idmap_split(struct arena *arena, const struct idmap *map, const struct idmap *parent,
		struct idmap *ret, struct err *err) MUST_CHECK;

/* Container root = own; ids 1... from the given host ranges, one after another. Neighbours are
 * joined, ids already used (or equal to own) are left out, and the map ends at the kernel's
 * limits. */
void idmap_build_default(struct arena *arena, uint32_t own, const struct idmap_range *ranges,
			 size_t n, struct idmap *ret);

/* A map of idmap_build_default() with the caller's own id at another container id: the ids up to
 * there begin one earlier. */
struct idmap idmap_move_own(struct arena *arena, const struct idmap *map, uint32_t inside);

/* Parses the lines of /proc/PID/uid_map ("inside outside count"). */
int idmap_parse(struct arena *arena, const char *text, struct idmap *ret,
		struct err *err) MUST_CHECK;

/* The lines to write there. */
char *idmap_format(struct arena *arena, const struct idmap *map) __attribute__((returns_nonnull));

/* Whether both hold the same ranges in the same order. */
bool idmap_equal(const struct idmap *a, const struct idmap *b);

/* The first of count consecutive host ids, from start on, that none of the ranges has. false if all
 * are taken. */
bool idmap_find_missing(const struct idmap_range *ranges, size_t n, uint32_t start, uint32_t count,
			uint32_t *ret);
