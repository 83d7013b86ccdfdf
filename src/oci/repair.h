/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the errors out of a document one by one, so that the next one shows. Lines and columns do
 * not change. List elements after a removed one get other indexes; repair_path() knows the original
 * ones. Pure. */
#pragma once

#include "src/base/arena.h"

#include <stdbool.h>

struct repair {
	struct arena *arena;
	char *text; /* the current text */
	size_t len;
	const char *first; /* the original text */
	size_t first_len;
	const char **gone; /* removed elements, by their original paths */
	size_t n_gone, cap;
};

void repair_init(struct repair *repair, struct arena *arena, const char *text, size_t len);

/* The original path of a value in the current text. */
const char *repair_path(const struct repair *repair, const char *path);

/* Removes the value at a path. A value that is required but missing is added where that is
 * possible; otherwise the innermost object or element around it is removed. Returns the path of
 * what was removed or added, or NULL if nothing can be done. */
const char *repair_mend(struct repair *repair, const char *path);

/* Finds where a value, or what encloses it, was originally. */
void repair_locate(const struct repair *repair, const char *first_path, size_t *ret_line,
		   size_t *ret_column);
