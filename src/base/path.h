/* SPDX-License-Identifier: Apache-2.0 */
/* Lexical operations on paths. No file is accessed. */
#pragma once

#include "src/base/arena.h"

/* Folds "//", "/./" and "x/.."; drops ".." at the root. Takes relative paths from "/". */
char *path_clean(struct arena *arena, const char *path) __attribute__((returns_nonnull));

/* base/name, or just name if it is absolute; only then may base be NULL. */
char *path_join(struct arena *arena, const char *base, const char *name)
	__attribute__((returns_nonnull));

/* Whether path is dir or below it. Both must be clean. */
bool path_is_below(const char *path, const char *dir);

/* Whether a component of the path is "..". */
bool path_has_dotdot(const char *path);

/* The part after the last slash. */
const char *path_base(const char *path);
