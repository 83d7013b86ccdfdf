/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes of the host. */
#pragma once

#include "src/base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Whether it is a node of that type (S_IFCHR, S_IFBLK in mode) and number. */
bool node_is(const struct stat *st, uint32_t mode, uint32_t major, uint32_t minor);

/* The host's node for a number: at the path, or where sysfs says it is; NULL: none. */
const char *node_find(struct arena *arena, const char *path, uint32_t mode, uint32_t major,
		      uint32_t minor);
