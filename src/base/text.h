/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a system's small text files with as few system calls as possible. */
#pragma once

#include "src/base/arena.h"

#include <stdint.h>

/* Reads a regular file of at most 4 MiB, whose path is absolute, into the arena, NUL-terminated
 * (three calls below 4 KiB). 0 or -errno. Not for long procfs files, of which one read(2) returns
 * only a part. */
int text_read(struct arena *arena, const char *path, char **ret) MUST_CHECK;

/* Returns the line at *next, without its newline, and moves *next to the following line. false at
 * the end. */
bool text_line(const char **next, const char **ret_line, size_t *ret_len);

/* Field number index (from 0) of a line, between separators. false if there is none. */
bool text_field(const char *line, size_t len, char separator, size_t index, const char **ret,
		size_t *ret_len);

/* The same for a number: decimal, no sign, no leading zeros. */
bool text_field_number(const char *line, size_t len, char separator, size_t index, uint64_t *ret);

/* Whether the len bytes at s are exactly word. */
bool text_is(const char *s, size_t len, const char *word);

/* Puts another program's output on one line for an error text, without the words from which a
 * runtime's clients conclude that the user's own command is missing or not executable. */
char *text_of_program(struct arena *arena, const char *words) __attribute__((returns_nonnull));
