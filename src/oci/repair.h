/* SPDX-License-Identifier: Apache-2.0 */
/* A document from which what is wrong is taken out, piece by piece, so that the next mistake
 * shows. Lines and columns stay as they are; list elements behind one that was taken out get other
 * numbers, and repair_path() knows the first ones. Pure. */
#pragma once

#include "src/base/arena.h"

#include <stdbool.h>

struct repair {
	struct arena *arena;
	char *text; /* as it is now */
	size_t len;
	const char *first; /* as it was */
	size_t first_len;
	const char **gone; /* elements that were taken out, by their first paths */
	size_t n_gone, cap;
};

void repair_init(struct repair *repair, struct arena *arena, const char *text, size_t len);

/* The path that a value of the text as it is now had at first. */
const char *repair_path(const struct repair *repair, const char *path);

/* Takes the value at a path out; one that is not there (required, but missing) is given where that
 * can be done, else the innermost object or element around it goes. Returns the path of what went
 * or came, or NULL: nothing can be done. */
const char *repair_mend(struct repair *repair, const char *path);

/* Where a value, or what is around it, was at first. */
void repair_locate(const struct repair *repair, const char *first_path, size_t *ret_line,
		   size_t *ret_column);
