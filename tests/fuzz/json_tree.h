/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON document as a tree that can be changed: all in an arena, scalars and keys as they are
 * written. */
#pragma once

#include "src/base/str.h"

#include <stdint.h>

struct json_node {
	enum { JSON_TREE_SCALAR, JSON_TREE_ARRAY, JSON_TREE_OBJECT } kind;
	const char *text; /* scalar: its token, with the quotes */
	struct json_member {
		const char *key; /* object: with the quotes */
		struct json_node *value;
	} * v;
	size_t n, cap;
};

/* NULL where the text is no JSON. Only for documents of the tests: it recurses. */
struct json_node *json_tree_parse(struct arena *arena, const char *text);

struct json_node *json_tree_scalar(struct arena *arena, const char *text);
struct json_node *json_tree_copy(struct arena *arena, const struct json_node *node);

/* key: with the quotes, ignored by arrays. */
void json_tree_insert(struct arena *arena, struct json_node *node, size_t at, const char *key,
		      struct json_node *value);
void json_tree_remove(struct json_node *node, size_t at);

void json_tree_print(struct str *out, const struct json_node *node);
