/* SPDX-License-Identifier: Apache-2.0 */
/* Files of groups that are unmapped in a container: in the kernel's overlay they cannot be changed,
 * although outside they can. */
#pragma once

#include "userns/idmap.h"

#include <stdbool.h>

/* The groups, except those that are mapped: returns how many. */
size_t foreign_groups(struct arena *arena, const uint32_t *groups, size_t n,
		      const struct idmap *map, const uint32_t **ret);

/* Whether something in the directory, other than itself, belongs to one of the groups, as far as
 * its first 2000 entries say, those of the upper levels first. Other file systems and links are
 * passed over. */
bool foreign_find(struct arena *arena, const char *path, const uint32_t *groups, size_t n,
		  uint32_t *ret);
