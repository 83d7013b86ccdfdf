/* SPDX-License-Identifier: Apache-2.0 */
/* --trace: when each process of a start ran which row, as a file for trace viewers (Chrome's trace
 * event format), and as bars in a terminal. The processes write into shared memory, so that none of
 * them holds a descriptor for it, and it ends with the exec of the program. Without --trace there
 * is no such memory, and no clock is read. */
#pragma once

#include "src/base/str.h"
#include "src/run/sequence.h"

/* The copy in the state directory, for `explain --timing`. */
#define TRACE_STATE_FILE "trace.json"

/* From here on, rows are recorded. Creates the file, empty. */
int trace_open(const char *path, struct err *err) MUST_CHECK;

/* A row begins, in the calling process: returns the argument for trace_end(). */
size_t trace_begin(const struct start *start, const struct row *row, size_t index);
void trace_end(size_t span, int result);

/* In the parent, when the sequence has ended: writes the file, and the copy. Failures are reported,
 * and change nothing. error: of the start that failed, or NULL. */
void trace_write(const struct sequence *sequence, const struct start *start,
		 const struct err *error);

/* The bars of a file that trace_write() has written, in lines of `width` columns. */
int trace_bars(struct arena *arena, const char *file, const char *text, size_t len, size_t width,
	       struct str *out, struct err *err) MUST_CHECK;
