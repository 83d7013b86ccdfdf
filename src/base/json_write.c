/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_write.h"

#include "src/base/json_memory.h"
#include "src/base/json_text.h"
#include "src/base/memory.h"
#include "src/base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

enum { MAX_DEPTH = 64 };

struct json_write {
	yajl_gen gen;
	bool is_array[MAX_DEPTH];
	size_t depth;
	char key[64];      /* the last key */
	char failure[256]; /* the first failure */
};

struct json_write *json_write_new(bool pretty)
{
	struct json_write *w = memory_get(sizeof(*w));

	w->gen = yajl_gen_alloc(json_memory());
	if (pretty) {
		(void)yajl_gen_config(w->gen, yajl_gen_beautify, 1);
		(void)yajl_gen_config(w->gen, yajl_gen_indent_string, "  ");
	}
	return w;
}

void json_write_free(struct json_write *w)
{
	if (!w)
		return;
	yajl_gen_free(w->gen);
	memory_put(w);
}

void json_write_freep(struct json_write **w)
{
	json_write_free(*w);
}

static void fail(struct json_write *w, const char *what)
{
	if (!*w->failure)
		(void)snprintf(w->failure, sizeof(w->failure), "%s%s%s", w->key,
			       *w->key ? ": " : "", what);
}

static void note(struct json_write *w, yajl_gen_status status)
{
	if (status != yajl_gen_status_ok)
		fail(w, "misplaced key or value");
}

static void put_string(struct json_write *w, const char *value)
{
	size_t len = strlen(value);
	char quoted[JSON_TEXT_QUOTE], what[JSON_TEXT_QUOTE + 32];

	/* What we write must be readable, by us and by others. */
	if (json_text_find_bad_utf8(value, len) < len) {
		(void)snprintf(what, sizeof(what), "%s is not valid UTF-8",
			       json_text_quote(quoted, value));
		fail(w, what);
	}
	note(w, yajl_gen_string(w->gen, (const unsigned char *)value, len));
}

static void put_key(struct json_write *w, const char *key)
{
	if (!key)
		return;
	/* Not by printf(): a sandbox has 330 of them at each start. */
	w->key[0] = '\0';
	(void)strncat(w->key, key, sizeof(w->key) - 1);
	put_string(w, key);
}

static void enter(struct json_write *w, bool is_array)
{
	if (w->depth == MAX_DEPTH) {
		fail(w, "nested too deep");
		return;
	}
	w->is_array[w->depth++] = is_array;
}

void json_write_object(struct json_write *w, const char *key)
{
	put_key(w, key);
	note(w, yajl_gen_map_open(w->gen));
	enter(w, false);
}

void json_write_array(struct json_write *w, const char *key)
{
	put_key(w, key);
	note(w, yajl_gen_array_open(w->gen));
	enter(w, true);
}

void json_write_end(struct json_write *w)
{
	if (w->depth == 0) {
		note(w, yajl_gen_in_error_state);
		return;
	}
	w->depth--;
	if (w->is_array[w->depth])
		note(w, yajl_gen_array_close(w->gen));
	else
		note(w, yajl_gen_map_close(w->gen));
}

void json_write_string(struct json_write *w, const char *key, const char *value)
{
	put_key(w, key);
	if (value)
		put_string(w, value);
	else
		note(w, yajl_gen_null(w->gen));
}

void json_write_message(struct json_write *w, const char *key, const char *text)
{
	_cleanup_str_ struct str valid = { 0 };
	size_t good;

	while (text[good = json_text_find_bad_utf8(text, strlen(text))]) {
		str_addn(&valid, text, good);
		str_add(&valid, "\ufffd");
		text += good + 1;
	}
	str_add(&valid, text);
	json_write_string(w, key, str_text(&valid));
}

void json_write_int(struct json_write *w, const char *key, int64_t value)
{
	put_key(w, key);
	note(w, yajl_gen_integer(w->gen, value));
}

void json_write_uint(struct json_write *w, const char *key, uint64_t value)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, value);

	put_key(w, key);
	note(w, yajl_gen_number(w->gen, digits, (size_t)len));
}

void json_write_decimal(struct json_write *w, const char *key, const char *text)
{
	static const char digits[] = "0123456789";
	size_t len = strspn(text, digits), more = 0;

	if (len && text[len] == '.')
		more = strspn(text + len + 1, digits);
	len += more ? 1 + more : 0;
	put_key(w, key);
	note(w, yajl_gen_number(w->gen, len ? text : "0", len ? len : 1));
}

void json_write_bool(struct json_write *w, const char *key, bool value)
{
	put_key(w, key);
	note(w, yajl_gen_bool(w->gen, value));
}

void json_write_null(struct json_write *w, const char *key)
{
	put_key(w, key);
	note(w, yajl_gen_null(w->gen));
}

void json_write_strings(struct json_write *w, const char *key, const char *const *v, size_t n)
{
	json_write_array(w, key);
	for (size_t i = 0; i < n; i++)
		json_write_string(w, NULL, v[i]);
	json_write_end(w);
}

const char *json_write_text(struct json_write *w, size_t *ret_len, struct err *err)
{
	const unsigned char *text = NULL;
	size_t len = 0;

	if (w->depth > 0)
		fail(w, "an object or array was left open");
	if (!*w->failure && yajl_gen_get_buf(w->gen, &text, &len) != yajl_gen_status_ok)
		fail(w, "no text");
	if (!*w->failure && len == 0)
		fail(w, "nothing was written");
	if (*w->failure) {
		(void)err_set(err, EILSEQ, "write JSON: %s", w->failure);
		return NULL;
	}
	if (ret_len)
		*ret_len = len;
	return (const char *)text;
}
