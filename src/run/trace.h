/* SPDX-License-Identifier: Apache-2.0 */
/* --trace: when each process of a start ran which row, as a file for trace viewers (Chrome's trace
 * event format) and as bars in a terminal. The processes write to shared memory, so none of them
 * holds a descriptor for it, and the exec of the program unmaps it. Without --trace there is no
 * such memory, and no clock is read. */
#pragma once

#include "src/base/str.h"
#include "src/run/sequence.h"

/* The copy kept in the state directory for `explain --timing`. */
#define TRACE_STATE_FILE "trace.json"

/* Starts recording, and creates the file, empty. */
int trace_open(const char *path, struct err *err) MUST_CHECK;

/* The calling process begins a row. Returns the argument for trace_end(). */
size_t trace_begin(const struct start *start, const struct row *row, size_t index);
void trace_end(size_t span, int result);

/* For the parent, after the sequence: writes the file and the copy. Failures are reported, but
 * change nothing. error: that of a failed start, or NULL. */
void trace_write(const struct sequence *sequence, const struct start *start,
		 const struct err *error);

/* Draws a file written by trace_write() as bars, in lines of `width` columns. */
int trace_bars(struct arena *arena, const char *file, const char *text, size_t len, size_t width,
	       struct str *out, struct err *err) MUST_CHECK;
