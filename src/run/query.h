/* SPDX-License-Identifier: Apache-2.0 */
/* Questions that a program asks its terminal by escape sequences (the cursor's position, the
 * colours). The terminal answers as if somebody typed: to the shell, while a job is in the
 * background. Pure. */
#pragma once

#include <stddef.h>

enum { QUERY_HELD = 16 };

struct query { /* zeroed: nothing is held */
	char held[QUERY_HELD];
	size_t n;
};

/* Before reading: puts what is held back at `text`, which has room for it. Returns how much. */
size_t query_resume(struct query *query, char *text);

/* Holds what has been resumed again: nothing came behind it. */
void query_hold(struct query *query, const char *text, size_t len);

/* Removes the queries from what was read, preceded by what was held back, and holds back one that
 * may begin at its end. Returns how much of the text remains. */
size_t query_drop(struct query *query, char *text, size_t len);
