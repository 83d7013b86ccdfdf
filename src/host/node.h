/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes of the host. */
#pragma once

#include "src/base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Whether st is a device node of this type (S_IFCHR or S_IFBLK in mode) and number. */
bool node_is(const struct stat *st, uint32_t mode, uint32_t major, uint32_t minor);

/* The path of the host's node for a device number: at path, or where sysfs says; NULL: none. */
const char *node_find(struct arena *arena, const char *path, uint32_t mode, uint32_t major,
		      uint32_t minor);
