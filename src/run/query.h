/* SPDX-License-Identifier: Apache-2.0 */
/* What a program asks of its terminal by escape sequences (where the cursor is, which colours it
 * has). The terminal answers as if somebody typed: while a job is in the background, to the shell.
 * Pure. */
#pragma once

#include <stddef.h>

enum { QUERY_HELD = 16 };

struct query { /* zeroed: nothing is held */
	char held[QUERY_HELD];
	size_t n;
};

/* Before reading: puts what is held at `text`, which has room for it. How much. */
size_t query_resume(struct query *query, char *text);

/* Holds what has been resumed again: nothing came behind it. */
void query_hold(struct query *query, const char *text, size_t len);

/* Takes the queries out of what was read, with what was held before it, and holds one that may
 * begin at its end. How much is left of the text. */
size_t query_drop(struct query *query, char *text, size_t len);
