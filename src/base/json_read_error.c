/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_reader.h"
#include "src/base/json_text.h"
#include "src/base/str.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 48 }; /* bytes of a value or key shown in a message */

static void add_key(struct str *path, const char *key, size_t len)
{
	char shown[SHOWN];
	bool plain = len > 0;

	for (size_t i = 0; i < len && plain; i++)
		plain = isalnum((unsigned char)key[i]) || key[i] == '_' || key[i] == '-';
	(void)json_text_shorten(shown, sizeof(shown), key, len);
	if (plain)
		str_addf(path, "%s%s", path->len ? "." : "", shown);
	else
		str_addf(path, "[\"%s\"]", shown);
}

static void add_path(const struct json_reader *r, struct str *path)
{
	for (size_t i = 0; i < r->depth; i++) {
		const struct json_frame *f = &r->frames[i];

		if (f->kind == FRAME_LIST && f->n > 0)
			str_addf(path, "[%zu]", f->n - 1);
		else if (f->kind != FRAME_LIST && f->key)
			add_key(path, f->key, f->key_len);
	}
}

/* Adds "config.json:12:20: process.user.uid: ". */
static void add_place(struct json_reader *r, struct str *text, size_t start)
{
	_cleanup_str_ struct str path = { 0 };

	add_path(r, &path);
	json_text_seek(r->text, start, &r->place);
	if (r->file)
		str_addf(text, "%s:", r->file);
	if (r->file || r->no_json)
		str_addf(text, "%zu:%zu: ", r->place.line, r->place.column);
	if (path.len && (r->file || !r->no_json))
		str_addf(text, "%s: ", path.s);
}

/* Without a document name the error carries the path separately. */
static void fail(struct json_reader *r, size_t start, const char *rule)
{
	_cleanup_str_ struct str text = { 0 };

	if (r->file || r->no_json) {
		add_place(r, &text, start);
		(void)err_set(r->err, r->file ? EINVAL : EBADMSG, "%s%s", str_text(&text), rule);
		return;
	}
	add_path(r, &text);
	(void)err_set(r->err, EINVAL, ERR_AT "%s: %s", str_text(&text), rule);
}

static const char *nearest(const struct json_type *type, const char *key)
{
	const char *found = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < type->n_fields; i++) {
		size_t slips = str_slips(type->fields[i].key, key);

		if (slips < least) {
			least = slips;
			found = type->fields[i].key;
		}
	}
	return found;
}

void json_read_error_unknown(struct json_reader *r, const struct json_frame *f, const char *key,
			     size_t len)
{
	_cleanup_str_ struct str text = { 0 };
	char name[SHOWN];
	const char *meant;

	(void)snprintf(name, sizeof(name), "%.*s", (int)len, key);
	meant = nearest(f->type, name);
	add_place(r, &text, json_text_string_start(r->text, json_reader_offset(r)));
	str_add(&text, "unknown member, ignored");
	if (meant)
		str_addf(&text, " (did you mean \"%s\"?)", meant);
	r->limits->unknown(r->limits->data, text.s);
}

static void add_names(struct str *text, const struct json_name *names)
{
	str_add(text, "one of ");
	for (size_t i = 0; *names[i].name; i++)
		str_addf(text, "%s\"%s\"", i ? ", " : "", names[i].name);
}

static void add_string_rule(struct str *text, unsigned int flags)
{
	if (flags & JSON_ABSOLUTE)
		str_add(text, "an absolute path");
	else
		str_add(text, flags & JSON_NOT_EMPTY ? "a text that is not empty" : "a string");
}

static void add_expected(struct str *text, const struct json_field *field, bool element)
{
	enum json_kind kind = field ? field->kind : JSON_OBJECT;

	if (kind == JSON_BOOL)
		str_add(text, "true or false");
	else if (kind == JSON_UINT)
		str_addf(text, "an integer from %" PRIu64 " to %" PRIu64, field->range->umin,
			 field->range->umax);
	else if (kind == JSON_INT || (kind == JSON_INTS && element))
		str_addf(text, "an integer from %" PRId64 " to %" PRId64, field->range->imin,
			 field->range->imax);
	else if (kind == JSON_ENUM || (kind == JSON_ENUMS && element))
		add_names(text, field->names);
	else if (kind == JSON_STRING)
		add_string_rule(text, field->flags);
	else if (element && (kind == JSON_STRINGS || kind == JSON_STRING_MAP))
		add_string_rule(text, field->flags & ~(unsigned int)JSON_NOT_EMPTY);
	else if (!element && (kind == JSON_STRINGS || kind == JSON_ENUMS || kind == JSON_INTS ||
			      kind == JSON_OBJECTS))
		str_add(text, "an array");
	else
		str_add(text, "an object");
}

bool json_read_error_value(struct json_reader *r, const struct json_field *field, bool element,
			   size_t start, size_t end)
{
	_cleanup_str_ struct str text = { 0 };
	char shown[SHOWN];

	str_add(&text, "expected ");
	add_expected(&text, field, element);
	if (r->text[start] == '{')
		str_add(&text, ", got an object");
	else if (r->text[start] == '[')
		str_add(&text, ", got an array");
	else
		str_addf(&text, ", got %s",
			 json_text_shorten(shown, sizeof(shown), r->text + start, end - start));
	fail(r, start, text.s);
	return false;
}

bool json_read_error_rule(struct json_reader *r, size_t start, const char *fmt, ...)
{
	char rule[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(rule, sizeof(rule), fmt, ap);
	va_end(ap);
	fail(r, start, rule);
	return false;
}

/* Which offset to report, relative to where yajl stopped. */
enum place { PLACE_TOKEN, PLACE_NEXT, PLACE_HERE, PLACE_BEFORE };

static const struct {
	char yajl[28]; /* part of its message */
	char text[60];
	enum place place;
} syntax_errors[] = {
	{ "trailing garbage", "unexpected text after the end of the document", PLACE_TOKEN },
	{ "separated by a colon", "expected \":\" behind the key", PLACE_TOKEN },
	{ "invalid object key", "expected a key in double quotes", PLACE_TOKEN },
	{ "after key and value", "expected \",\" or \"}\"", PLACE_NEXT },
	{ "after array element", "expected \",\" or \"]\"", PLACE_TOKEN },
	{ "unallowed token", "expected a value", PLACE_TOKEN },
	{ "invalid string in json", "expected a value", PLACE_TOKEN },
	{ "malformed number", "a malformed number", PLACE_HERE },
	{ "occurs before a character", "a backslash in front of a character that needs none",
	  PLACE_HERE },
	{ "(non-hex)", "expected four hexadecimal digits behind \\u", PLACE_HERE },
	{ "invalid character inside", "a control character in a string", PLACE_HERE },
	{ "comment", "comments are no part of JSON", PLACE_HERE },
	{ "invalid char in json", "expected a value", PLACE_BEFORE },
};

static size_t token_start(const char *text, size_t end)
{
	size_t start = end;

	if (end > 0 && text[end - 1] == '"')
		return json_text_string_start(text, end);
	while (start > 0 && isalnum((unsigned char)text[start - 1]))
		start--;
	return start < end || end == 0 ? start : end - 1;
}

static void truncated(struct json_reader *r)
{
	size_t len = r->len;

	while (len > 0 && strchr(" \t\r\n", r->text[len - 1]))
		len--;
	if (len == 0)
		(void)json_read_error_rule(r, 0, "the file is empty");
	else
		(void)json_read_error_rule(r, r->len,
					   "the file ends in the middle of the document");
	err_hint(r->err, "the file seems to be cut off; write it again");
}

/* The index of yajl's message in the table, or -1. */
static int find_syntax_error(struct json_reader *r)
{
	unsigned char *words = yajl_get_error(r->handle, 0, NULL, 0);
	int found = -1;

	for (size_t i = 0; words && i < sizeof(syntax_errors) / sizeof(syntax_errors[0]); i++)
		if (found < 0 && strstr((const char *)words, syntax_errors[i].yajl))
			found = (int)i;
	yajl_free_error(r->handle, words);
	return found;
}

/* In this one case yajl reports the offset before the token. */
static size_t next_token(const struct json_reader *r)
{
	size_t at = r->last;

	while (at < r->len && isspace((unsigned char)r->text[at]))
		at++;
	return at;
}

/* The end of the token at an offset: a string, a word or number, or one character. */
static size_t token_end(const char *text, size_t len, size_t at)
{
	size_t end = at + 1;

	if (at >= len)
		return len;
	if (text[at] == '"') {
		while (end < len && text[end] != '"')
			end += text[end] == '\\' && end + 1 < len ? 2 : 1;
		return end < len ? end + 1 : len;
	}
	while (end < len &&
	       (((unsigned char)text[end] & 0xc0) == 0x80 ||
		(isalnum((unsigned char)text[end]) && isalnum((unsigned char)text[at]))))
		end++;
	return end;
}

/* A trailing comma, which other languages accept and people write by habit. */
static bool is_last_comma(struct json_reader *r, size_t at)
{
	size_t before = at;

	while (before > 0 && isspace((unsigned char)r->text[before - 1]))
		before--;
	if (at < r->len && (r->text[at] == '}' || r->text[at] == ']') && before > 0 &&
	    r->text[before - 1] == ',') {
		(void)json_read_error_rule(r, before - 1, "a comma with nothing behind it");
		err_hint(r->err, "remove this comma, or add the missing value before the %c",
			 r->text[at]);
		return true;
	}
	return false;
}

/* Adds a hint for other habits: single quotes or none, and Python's constants. */
static void hint_habit(struct json_reader *r, size_t at, const char *rule)
{
	static const char *const words[] = { "True", "False", "None" };

	if (at < r->len && r->text[at] == '\'')
		err_hint(r->err, "use double quotes");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (r->len - at >= strlen(words[i]) &&
		    memcmp(r->text + at, words[i], strlen(words[i])) == 0)
			err_hint(r->err, "write true, false and null in lower case");
	if (at < r->len && isalpha((unsigned char)r->text[at]) && str_starts(rule, "expected a "))
		err_hint(r->err, "a text needs double quotes");
}

static size_t place_of_error(const struct json_reader *r, int which)
{
	size_t at = yajl_get_bytes_consumed(r->handle);

	if (which < 0)
		return at;
	if (syntax_errors[which].place == PLACE_TOKEN)
		return token_start(r->text, at);
	if (syntax_errors[which].place == PLACE_NEXT)
		return next_token(r);
	return syntax_errors[which].place == PLACE_BEFORE && at > 0 ? at - 1 : at;
}

static void syntax(struct json_reader *r, size_t at, const char *rule)
{
	char shown[SHOWN];

	(void)json_text_shorten(shown, sizeof(shown), r->text + at,
				token_end(r->text, r->len, at) - at);
	(void)json_read_error_rule(r, at, "%s, got %s", rule, shown);
	hint_habit(r, at, rule);
}

void json_read_error_syntax(struct json_reader *r)
{
	size_t at;
	int which;

	r->no_json = true;
	if (r->early) { /* whatever yajl says of it, and wherever it stopped */
		syntax(r, r->early, "unexpected text after the end of the document");
		return;
	}
	if (r->at_end) {
		truncated(r);
		return;
	}
	which = find_syntax_error(r);
	at = place_of_error(r, which);
	if (at < r->len && (unsigned char)r->text[at] < 0x20) {
		(void)json_read_error_rule(r, at,
					   "a control character (a line break?) in a string");
		return;
	}
	if (is_last_comma(r, at))
		return;
	syntax(r, at, which < 0 ? "not valid JSON" : syntax_errors[which].text);
}
