/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/json_tree.h"

#include <string.h>

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* Behind a string, number or word; NULL where there is none. */
static const char *skip_scalar(const char *p)
{
	const char *end;

	if (*p != '"') {
		end = p + strspn(p, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
		return end > p ? end : NULL;
	}
	for (end = p + 1; *end && *end != '"'; end++)
		if (*end == '\\' && end[1])
			end++;
	return *end ? end + 1 : NULL;
}

static struct json_node *parse(struct arena *arena, const char **text);

/* Behind the opening bracket. Returns NULL at a syntax error. */
static struct json_node *parse_members(struct arena *arena, const char **text, bool object)
{
	struct json_node *node = arena_new(arena, struct json_node);
	const char *p = skip_blanks(*text);

	node->kind = object ? JSON_TREE_OBJECT : JSON_TREE_ARRAY;
	while (*p != '}' && *p != ']') {
		const char *key = p, *end = object ? skip_scalar(p) : p;
		struct json_node *value;

		if (!end)
			return NULL;
		p = skip_blanks(end);
		if (object && *p++ != ':')
			return NULL;
		value = parse(arena, &p);
		if (!value)
			return NULL;
		json_tree_insert(arena, node, node->n,
				 arena_strndup(arena, key, (size_t)(end - key)), value);
		p = skip_blanks(p);
		if (*p == ',')
			p = skip_blanks(p + 1);
		else if (*p != '}' && *p != ']')
			return NULL;
	}
	*text = p + 1;
	return node;
}

static struct json_node *parse(struct arena *arena, const char **text)
{
	const char *p = skip_blanks(*text), *end;

	if (*p == '{' || *p == '[') {
		*text = p + 1;
		return parse_members(arena, text, *p == '{');
	}
	end = skip_scalar(p);
	if (!end)
		return NULL;
	*text = end;
	return json_tree_scalar(arena, arena_strndup(arena, p, (size_t)(end - p)));
}

struct json_node *json_tree_parse(struct arena *arena, const char *text)
{
	return parse(arena, &text);
}

struct json_node *json_tree_scalar(struct arena *arena, const char *text)
{
	struct json_node *node = arena_new(arena, struct json_node);

	*node = (struct json_node){ .kind = JSON_TREE_SCALAR, .text = text };
	return node;
}

struct json_node *json_tree_copy(struct arena *arena, const struct json_node *node)
{
	struct json_node *copy = arena_new(arena, struct json_node);

	*copy = (struct json_node){ .kind = node->kind, .text = node->text };
	for (size_t i = 0; i < node->n; i++)
		json_tree_insert(arena, copy, i, node->v[i].key,
				 json_tree_copy(arena, node->v[i].value));
	return copy;
}

void json_tree_insert(struct arena *arena, struct json_node *node, size_t at, const char *key,
		      struct json_node *value)
{
	if (node->n == node->cap) {
		node->cap = node->cap ? 2 * node->cap : 8;
		node->v = arena_grow(arena, node->v, node->n, node->cap, sizeof(*node->v));
	}
	memmove(&node->v[at + 1], &node->v[at], (node->n - at) * sizeof(*node->v));
	node->v[at] = (struct json_member){ key, value };
	node->n++;
}

void json_tree_remove(struct json_node *node, size_t at)
{
	node->n--;
	memmove(&node->v[at], &node->v[at + 1], (node->n - at) * sizeof(*node->v));
}

void json_tree_print(struct str *out, const struct json_node *node)
{
	bool object = node->kind == JSON_TREE_OBJECT;

	if (node->kind == JSON_TREE_SCALAR) {
		str_add(out, node->text);
		return;
	}
	str_add(out, object ? "{" : "[");
	for (size_t i = 0; i < node->n; i++) {
		if (i)
			str_add(out, ",");
		if (object) {
			str_add(out, node->v[i].key);
			str_add(out, ":");
		}
		json_tree_print(out, node->v[i].value);
	}
	str_add(out, object ? "}" : "]");
}
