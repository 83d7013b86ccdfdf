/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that detach from a terminal and leave its program running. Pure. */
#pragma once

#include "src/base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { DETACH_MAX = 8 };

struct detach { /* zeroed: no keys */
	char keys[DETACH_MAX];
	size_t n;
	size_t held; /* keys typed so far but not passed on */
};

/* "ctrl-p,ctrl-q": letters, digits and other single characters, or ctrl- and a letter or one of
 * @ [ \ ] ^ _. */
int detach_parse(const char *words, struct detach *ret, struct err *err) MUST_CHECK;

/* Before reading: copies the keys held back to `text`, which has room for them. Returns how
 * many. */
size_t detach_resume(struct detach *detach, char *text);

/* Takes what was read, preceded by the keys held back, and returns how much to pass on now.
 * *ret_left: the sequence is complete; anything after it is dropped. */
size_t detach_scan(struct detach *detach, const char *text, size_t len, bool *ret_left);
