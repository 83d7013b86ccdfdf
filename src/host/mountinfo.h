/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/mountinfo, which has thousands of lines on some machines. Pure but for
 * what is in mountinfo_read.c. */
#pragma once

#include "src/base/arena.h"
#include "src/base/err.h"

#include <stddef.h>

/* Text in the file: not terminated, and blanks in it written as \040. */
struct mountinfo_piece {
	const char *s;
	size_t len;
};

struct mountinfo_line {
	struct mountinfo_piece id, parent, device, root, target, type, super;
};

/* The calling process's own, or that of process pid. 0 or negative with err. */
int mountinfo_read(struct arena *arena, char **ret, struct err *err) MUST_CHECK;
int mountinfo_read_of(struct arena *arena, int pid, char **ret, struct err *err) MUST_CHECK;

/* Takes the line at *next and advances; bad lines are skipped. false at the end. */
bool mountinfo_next(const char **next, struct mountinfo_line *ret);

bool mountinfo_is(struct mountinfo_piece piece, const char *word);

/* Terminated, with \ooo decoded. */
char *mountinfo_text(struct arena *arena, struct mountinfo_piece piece);

/* After the kernel has refused a new procfs: adds the hint that an outer container masks parts of
 * /proc, and which. */
void mountinfo_hint_masks(struct arena *arena, struct err *err);
