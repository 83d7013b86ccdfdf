/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/repair.h"

#include "src/base/json_read.h"
#include "src/base/str.h"

#include <stdlib.h>
#include <string.h>

void repair_init(struct repair *repair, struct arena *arena, const char *text, size_t len)
{
	*repair = (struct repair){ .arena = arena,
				   .text = arena_strndup(arena, text, len),
				   .len = len,
				   .first = text,
				   .first_len = len };
}

/* The length of the first segment: "mounts", "[2]", ["a.b"]. */
static size_t segment_len(const char *path)
{
	size_t len = *path == '.';

	if (path[0] == '[' && path[1] == '"') {
		for (len = 2; path[len] && path[len] != '"'; len++)
			len += path[len] == '\\' && path[len + 1];
		len += path[len] == '"';
		return len + (path[len] == ']');
	}
	if (path[0] == '[') {
		len = strcspn(path, "]");
		return len + (path[len] == ']');
	}
	return len + strcspn(path + len, ".[");
}

static const char *parent_of(struct arena *arena, const char *path)
{
	size_t last = 0, at = 0;

	while (path[at]) {
		last = at;
		at += segment_len(path + at);
	}
	return arena_strndup(arena, path, last);
}

static bool is_gone(const struct repair *repair, const char *list, unsigned long index)
{
	const char *element = arena_strf(repair->arena, "%s[%lu]", list, index);

	for (size_t i = 0; i < repair->n_gone; i++)
		if (str_equal(repair->gone[i], element))
			return true;
	return false;
}

/* The index that the element had originally. */
static unsigned long first_index(const struct repair *repair, const char *list, unsigned long index)
{
	for (unsigned long first = 0;; first++)
		if (!is_gone(repair, list, first) && index-- == 0)
			return first;
}

const char *repair_path(const struct repair *repair, const char *path)
{
	const char *first = "";

	while (*path) {
		size_t len = segment_len(path);

		if (path[0] == '[' && path[1] != '"')
			first = arena_strf(repair->arena, "%s[%lu]", first,
					   first_index(repair, first, strtoul(path + 1, NULL, 10)));
		else
			first = arena_strf(repair->arena, "%s%.*s", first, (int)len, path);
		path += len;
	}
	return first;
}

static bool is_element(const char *path)
{
	size_t len = strlen(path);

	return len > 1 && path[len - 1] == ']' && path[len - 2] != '"';
}

static void blank(struct repair *repair, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (repair->text[i] != '\n')
			repair->text[i] = ' ';
}

/* Removes a value with the comma after it or, if there is none, the one before it. */
static bool cut(struct repair *repair, const char *path)
{
	size_t start, end, comma;

	if (!json_read_extent(repair->text, repair->len, path, &start, &end))
		return false;
	comma = end + strspn(repair->text + end, " \t\r\n");
	if (repair->text[comma] == ',') {
		end = comma + 1;
	} else {
		for (comma = start; comma > 0 && strchr(" \t\r\n", repair->text[comma - 1]);)
			comma--;
		if (comma > 0 && repair->text[comma - 1] == ',')
			start = comma - 1;
	}
	if (is_element(path)) {
		repair->gone = arena_room(repair->arena, repair->gone, repair->n_gone, &repair->cap,
					  sizeof(*repair->gone));
		repair->gone[repair->n_gone] = repair_path(repair, path);
		repair->n_gone++;
	}
	blank(repair, start, end);
	return true;
}

/* Adds a value without which nothing more can be said about a container. */
static bool give(struct repair *repair, const char *path)
{
	static const struct {
		const char *path, *in, *text;
	} required[] = {
		{ "ociVersion", "", "\"ociVersion\":\"1.2.0\"" },
		{ "root", "", "\"root\":{\"path\":\"rootfs\"}" },
		{ "root.path", "root", "\"path\":\"rootfs\"" },
		{ "process.cwd", "process", "\"cwd\":\"/\"" },
	};
	size_t line, column, at, end;

	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		if (!str_equal(required[i].path, path) ||
		    json_read_locate(repair->text, repair->len, path, &line, &column))
			continue;
		if (!*required[i].in)
			at = strcspn(repair->text, "{");
		else if (json_read_extent(repair->text, repair->len, required[i].in, &at, &end))
			at += strcspn(repair->text + at, "{");
		else
			return false;
		if (repair->text[at] != '{')
			return false;
		at++;
		end = at + strspn(repair->text + at, " \t\r\n");
		repair->text = arena_strf(repair->arena, "%.*s%s%s%s", (int)at, repair->text,
					  required[i].text, repair->text[end] == '}' ? "" : ",",
					  repair->text + at);
		repair->len = strlen(repair->text);
		return true;
	}
	return false;
}

const char *repair_mend(struct repair *repair, const char *path)
{
	for (; *path; path = parent_of(repair->arena, path)) {
		const char *first = repair_path(repair, path);

		if (give(repair, path) || cut(repair, path))
			return first;
	}
	return NULL;
}

void repair_locate(const struct repair *repair, const char *first_path, size_t *ret_line,
		   size_t *ret_column)
{
	const char *path = first_path;

	while (!json_read_locate(repair->first, repair->first_len, path, ret_line, ret_column)) {
		*ret_line = *ret_column = 1;
		if (!*path)
			return;
		path = parent_of(repair->arena, path);
	}
}
