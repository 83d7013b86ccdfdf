/* SPDX-License-Identifier: Apache-2.0 */
/* Files of groups that a container does not map: the kernel's overlay cannot change them, although
 * they can be changed outside. */
#pragma once

#include "userns/idmap.h"

#include <stdbool.h>

/* Collects the groups that are not mapped; returns their number. */
size_t foreign_groups(struct arena *arena, const uint32_t *groups, size_t n,
		      const struct idmap *map, const uint32_t **ret);

/* Whether anything in the directory, except itself, belongs to one of the groups, judging by its
 * first 2000 entries, upper levels first. Skips other file systems and links. */
bool foreign_find(struct arena *arena, const char *path, const uint32_t *groups, size_t n,
		  uint32_t *ret);
