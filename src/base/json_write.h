/* SPDX-License-Identifier: Apache-2.0 */
/* JSON output through yajl's generator. Failures are sticky and checked once, at the end. Each call
 * inside an object gives its key; inside an array, and for the outermost value, key is NULL. */
#pragma once

#include "src/base/json_read.h"

struct json_write;

/* pretty: two spaces per level and a newline at the end; otherwise one line without a newline. */
struct json_write *json_write_new(bool pretty);
void json_write_free(struct json_write *w);
void json_write_freep(struct json_write **w);
#define _cleanup_json_write_ __attribute__((cleanup(json_write_freep)))

void json_write_object(struct json_write *w, const char *key); /* opens */
void json_write_array(struct json_write *w, const char *key);  /* opens */
void json_write_end(struct json_write *w); /* closes the innermost object or array */
void json_write_string(struct json_write *w, const char *key, const char *value); /* NULL: null */
/* Text for people: replaces bytes that are not UTF-8 by U+FFFD, while json_write_string() fails. */
void json_write_message(struct json_write *w, const char *key, const char *text);
void json_write_int(struct json_write *w, const char *key, int64_t value);
void json_write_uint(struct json_write *w, const char *key, uint64_t value);
/* Writes the decimal number at the start of a text, with its zeros: "12.50"; 0 if there is none. */
void json_write_decimal(struct json_write *w, const char *key, const char *text);
void json_write_bool(struct json_write *w, const char *key, bool value);
void json_write_null(struct json_write *w, const char *key);
void json_write_strings(struct json_write *w, const char *key, const char *const *v, size_t n);

/* The text (NUL-terminated, owned by w), or NULL with err filled. */
const char *json_write_text(struct json_write *w, size_t *ret_len, struct err *err) MUST_CHECK;
