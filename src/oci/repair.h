/* SPDX-License-Identifier: Apache-2.0 */
/* A document from which mistakes are taken out one by one, so that the next one shows. Lines and
 * columns stay as they are; list elements after one that was taken out get other numbers, and
 * repair_path() knows the original ones. Pure. */
#pragma once

#include "src/base/arena.h"

#include <stdbool.h>

struct repair {
	struct arena *arena;
	char *text; /* as it is now */
	size_t len;
	const char *first; /* as it was */
	size_t first_len;
	const char **gone; /* elements taken out, by their original paths */
	size_t n_gone, cap;
};

void repair_init(struct repair *repair, struct arena *arena, const char *text, size_t len);

/* The original path of a value in the current text. */
const char *repair_path(const struct repair *repair, const char *path);

/* Takes the value at a path out; one that is not there (required, but missing) is given where that
 * can be done, else the innermost object or element around it goes. Returns the path of what went
 * or came, or NULL: nothing can be done. */
const char *repair_mend(struct repair *repair, const char *path);

/* Where a value, or what encloses it, was originally. */
void repair_locate(const struct repair *repair, const char *first_path, size_t *ret_line,
		   size_t *ret_column);
