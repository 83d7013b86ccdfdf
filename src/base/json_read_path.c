/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the location of a path. The reader has accepted the document before, so anything unexpected
 * just ends the search. */
#include "src/base/json_read.h"
#include "src/base/json_text.h"

#include <string.h>

struct cursor {
	const char *text;
	size_t len, at;
};

/* One step of a path: a member, or the element of an array. */
struct segment {
	const char *key; /* NULL: index */
	size_t key_len, index;
};

static char peek(const struct cursor *c)
{
	return c->at < c->len ? c->text[c->at] : '\0';
}

static void skip_blanks(struct cursor *c)
{
	while (c->at < c->len && strchr(" \t\r\n", c->text[c->at]) && c->text[c->at])
		c->at++;
}

static bool accept(struct cursor *c, char wanted)
{
	skip_blanks(c);
	if (peek(c) != wanted)
		return false;
	c->at++;
	return true;
}

static void skip_string(struct cursor *c)
{
	for (c->at++; c->at < c->len && c->text[c->at] != '"'; c->at++)
		if (c->text[c->at] == '\\')
			c->at++;
	c->at++;
}

/* Skips any value without recursion: only the depth matters. */
static void skip_value(struct cursor *c)
{
	size_t depth = 0;

	skip_blanks(c);
	do {
		char next = peek(c);

		if (next == '"') {
			skip_string(c);
			continue;
		}
		if (depth == 0 && (next == ',' || next == ']' || next == '}'))
			return;
		if (next == '{' || next == '[')
			depth++;
		if (next == '}' || next == ']')
			depth--;
		c->at++;
		if ((next == '}' || next == ']') && depth == 0)
			return;
	} while (c->at < c->len);
}

static bool enter_member(struct cursor *c, const struct segment *segment)
{
	if (!accept(c, '{'))
		return false;
	do {
		size_t start;

		skip_blanks(c);
		if (peek(c) != '"')
			return false;
		start = c->at + 1;
		skip_string(c);
		if (c->at > c->len || c->at < start + 1)
			return false;
		if (c->at - 1 - start == segment->key_len &&
		    memcmp(c->text + start, segment->key, segment->key_len) == 0)
			return accept(c, ':');
		if (!accept(c, ':'))
			return false;
		skip_value(c);
	} while (accept(c, ','));
	return false;
}

static bool enter_element(struct cursor *c, size_t index)
{
	if (!accept(c, '['))
		return false;
	skip_blanks(c);
	if (peek(c) == ']')
		return false;
	for (; index > 0; index--) {
		skip_value(c);
		if (!accept(c, ','))
			return false;
	}
	return true;
}

/* Parses ["any text"], whose text is written as in JSON, so it can be compared with the document as
 * is. */
static bool next_quoted(const char **path, struct segment *ret)
{
	const char *end = *path + 2;

	while (*end && *end != '"')
		end += *end == '\\' && end[1] ? 2 : 1;
	if (end[0] != '"' || end[1] != ']')
		return false;
	*ret = (struct segment){ .key = *path + 2, .key_len = (size_t)(end - *path - 2) };
	*path = end + 2;
	return true;
}

static bool next_segment(const char **path, struct segment *ret)
{
	const char *p = *path;
	size_t index = 0;

	if (p[0] == '[' && p[1] == '"')
		return next_quoted(path, ret);
	if (p[0] == '[') {
		for (p++; *p >= '0' && *p <= '9'; p++)
			index = index * 10 + (size_t)(*p - '0');
		if (*p != ']')
			return false;
		*ret = (struct segment){ .index = index };
		*path = p + 1;
		return true;
	}
	if (*p == '.')
		p++;
	*ret = (struct segment){ .key = p, .key_len = strcspn(p, ".[") };
	*path = p + ret->key_len;
	return ret->key_len > 0;
}

/* Moves to the value at the path; *ret_last is the path's last segment. */
static bool follow_path(struct cursor *c, const char *path, struct segment *ret_last)
{
	while (*path) {
		if (!next_segment(&path, ret_last))
			return false;
		if (ret_last->key ? !enter_member(c, ret_last) : !enter_element(c, ret_last->index))
			return false;
	}
	skip_blanks(c);
	return true;
}

bool json_read_locate(const char *text, size_t len, const char *path, size_t *ret_line,
		      size_t *ret_column)
{
	struct cursor c = { .text = text, .len = len };
	struct json_text_place place = { 0 };
	struct segment segment;

	if (!text)
		return false;
	if (!follow_path(&c, path, &segment))
		return false;
	if (c.at >= c.len)
		return false;
	json_text_seek(text, c.at, &place);
	*ret_line = place.line;
	*ret_column = place.column;
	return true;
}

bool json_read_extent(const char *text, size_t len, const char *path, size_t *ret_start,
		      size_t *ret_end)
{
	struct cursor c = { .text = text, .len = len };
	struct segment segment = { 0 };

	if (!*path)
		return false;
	if (!follow_path(&c, path, &segment))
		return false;
	*ret_start = c.at;
	if (segment.key) { /* go back over the colon to the key's opening quote */
		while (*ret_start > 0 && text[*ret_start - 1] != ':')
			--*ret_start;
		while (*ret_start > 0 && text[*ret_start - 1] != '"')
			--*ret_start;
		*ret_start = json_text_string_start(text, *ret_start);
	}
	skip_value(&c);
	*ret_end = c.at < len ? c.at : len;
	return *ret_start < *ret_end;
}
