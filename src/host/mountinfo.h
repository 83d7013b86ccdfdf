/* SPDX-License-Identifier: Apache-2.0 */
/* Reads /proc/PID/mountinfo, which has thousands of lines on some machines. Pure except for
 * mountinfo_read.c. */
#pragma once

#include "src/base/arena.h"
#include "src/base/err.h"

#include <stddef.h>

/* A part of the text: not NUL-terminated, with spaces as \040. */
struct mountinfo_piece {
	const char *s;
	size_t len;
};

struct mountinfo_line {
	struct mountinfo_piece id, parent, device, root, target, type, super;
};

/* Reads the calling process's own, or that of process pid. 0 or negative with err. */
int mountinfo_read(struct arena *arena, char **ret, struct err *err) MUST_CHECK;
int mountinfo_read_of(struct arena *arena, int pid, char **ret, struct err *err) MUST_CHECK;

/* Parses the line at *next and advances; skips bad lines. false at the end. */
bool mountinfo_next(const char **next, struct mountinfo_line *ret);

bool mountinfo_is(struct mountinfo_piece piece, const char *word);

/* Copies the text, NUL-terminated and with \ooo decoded. */
char *mountinfo_text(struct arena *arena, struct mountinfo_piece piece);

/* Call it after the kernel has refused a new procfs: adds a hint that an outer container masks
 * parts of /proc, and names them. */
void mountinfo_hint_masks(struct arena *arena, struct err *err);
