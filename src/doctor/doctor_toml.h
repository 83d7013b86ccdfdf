/* SPDX-License-Identifier: Apache-2.0 */
/* Reads engines' settings files: as much of TOML as `key = "value"` in a `[table]`. Pure. */
#pragma once

#include "src/base/arena.h"

#include <stdbool.h>

struct doctor_toml_line {
	const char *table; /* "engine.runtimes": without quotes and spaces */
	const char *key;   /* NULL: the line begins the table */
	const char *raw;   /* the value as written */
	const char *value; /* contents of a string, first string of a list, or else raw */
};

/* Takes the next table or key line from *next on. Start with *table NULL. false at the end. */
bool doctor_toml_next(struct arena *arena, const char **next, const char **table,
		      struct doctor_toml_line *ret);
