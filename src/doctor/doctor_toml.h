/* SPDX-License-Identifier: Apache-2.0 */
/* Reads engines' settings files: the values of a TOML document with their full keys, however they
 * are written (in tables, with dotted keys, in inline tables). What is not TOML is passed over to
 * the next line, because the engine is the one to complain. Pure. */
#pragma once

#include "src/base/arena.h"

struct doctor_toml_value {
	const char *key;   /* "engine.runtimes.usrun": without quotes and spaces */
	const char *raw;   /* the value as written */
	const char *value; /* contents of a string, first string of a list, or else raw */
	const char **list; /* the strings of a list */
	size_t n_list;
};

void doctor_toml_read(struct arena *arena, const char *text,
		      void (*tell)(void *data, const struct doctor_toml_value *value), void *data);
