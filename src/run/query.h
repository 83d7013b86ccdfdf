/* SPDX-License-Identifier: Apache-2.0 */
/* Queries that a program sends to its terminal as escape sequences, such as for the cursor's
 * position or the colours. The terminal answers as if typed: to the shell, while the job is in the
 * background. Pure. */
#pragma once

#include <stddef.h>

enum { QUERY_HELD = 16 };

struct query { /* zeroed: nothing held back */
	char held[QUERY_HELD];
	size_t n;
};

/* Before reading: copies what is held back to `text`, which has room for it. Returns how much. */
size_t query_resume(struct query *query, char *text);

/* Holds back again what was resumed: nothing followed it. */
void query_hold(struct query *query, const char *text, size_t len);

/* Removes the queries from what was read, preceded by what was held back, and holds back a possible
 * query cut off at its end. Returns how much of the text remains. */
size_t query_drop(struct query *query, char *text, size_t len);
