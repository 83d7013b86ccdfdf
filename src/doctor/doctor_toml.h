/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the settings files of engines: as much of TOML as `key = "value"` in a `[table]`.
 * Pure. */
#pragma once

#include "src/base/arena.h"

#include <stdbool.h>

struct doctor_toml_line {
	const char *table; /* "engine.runtimes": without quotes and blanks */
	const char *key;   /* NULL: the line begins the table */
	const char *raw;   /* the value as it is written */
	const char
		*value; /* of a string, what is in it; of a list, its first string; else as it is */
};

/* Takes the next line that says something, from *next on. Starts with *table NULL. false at the
 * end. */
bool doctor_toml_next(struct arena *arena, const char **next, const char **table,
		      struct doctor_toml_line *ret);
