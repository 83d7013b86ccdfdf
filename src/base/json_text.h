/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as plain text: encoding, positions, and quoting for error messages. */
#pragma once

#include "src/base/err.h"

#include <stddef.h>

enum { JSON_TEXT_QUOTE = 96 }; /* room for a shortened value, quotes and NUL included */

/* The offset of the first byte that is not valid UTF-8, or len. Overlong forms, surrogates and code
 * points above U+10FFFF are invalid. */
size_t json_text_find_bad_utf8(const char *text, size_t len);

/* Line and column count from 1; columns count characters, not bytes. Zero-initialise. */
struct json_text_place {
	size_t offset, line, column;
};

/* Moves to an offset. Counts on from where the place is, so that telling many of one text, in their
 * order, reads it once. */
void json_text_seek(const char *text, size_t offset, struct json_text_place *place);

/* The opening quote of the string whose closing quote is at end - 1. */
size_t json_text_string_start(const char *text, size_t end);

/* Whether a JSON string (without its quotes) contains an escaped surrogate without its partner,
 * which represents no character, and which yajl would silently replace. */
bool json_text_has_lone_surrogate(const char *raw, size_t len);

/* Copies at most size - 1 bytes for a message: cuts at a character and adds "..."; bytes that are
 * not UTF-8, and control characters (which a terminal would obey), become "?". Returns buf. */
const char *json_text_shorten(char *buf, size_t size, const char *s, size_t len);

/* The same, in double quotes. buf holds JSON_TEXT_QUOTE bytes. */
const char *json_text_quote(char *buf, const char *s);
