/* SPDX-License-Identifier: Apache-2.0 */
#include "src/doctor/doctor_toml.h"

#include "src/base/str.h"

#include <stdbool.h>
#include <string.h>

enum { MAX_DEPTH = 16 }; /* of brackets: the file may be anything */

struct cursor {
	struct arena *arena;
	const char *at;
	int depth;
	void (*tell)(void *data, const struct doctor_toml_value *value);
	void *data;
};

static void skip_line(struct cursor *c)
{
	c->at += strcspn(c->at, "\n");
}

static void skip_blanks(struct cursor *c)
{
	c->at += strspn(c->at, " \t\r");
}

static void skip_lines(struct cursor *c)
{
	for (;;) {
		c->at += strspn(c->at, " \t\r\n");
		if (*c->at != '#')
			return;
		skip_line(c);
	}
}

/* The contents of a string in "", '', """""" or ''''''. One that is not closed is empty. */
static const char *take_string(struct cursor *c)
{
	const char quote[] = { *c->at, *c->at, *c->at, '\0' };
	bool many = str_starts(c->at, quote), escapes = *quote == '"';
	const char *end = many ? quote : quote + 2, *start = c->at + strlen(end), *s = start;
	char *copy, *to;

	while (*s && !str_starts(s, end) && (many || *s != '\n'))
		s += escapes && s[0] == '\\' && s[1] ? 2 : 1;
	c->at = s;
	if (!str_starts(s, end))
		return "";
	c->at += strlen(end);
	to = copy = arena_strndup(c->arena, start, (size_t)(s - start));
	for (const char *from = copy; *from; from++) {
		if (escapes && *from == '\\' && (from[1] == '\\' || from[1] == '"'))
			from++;
		*to++ = *from;
	}
	*to = '\0';
	return copy;
}

/* Appends `a . "b c".d` as "a.b c.d". */
static const char *take_key(struct cursor *c, const char *before)
{
	const char *key = before;

	for (;;) {
		const char *part;
		size_t len;

		skip_blanks(c);
		len = strcspn(c->at, " \t\r\n.=[]{},#\"'");
		if (*c->at == '"' || *c->at == '\'') {
			part = take_string(c);
		} else {
			part = arena_strndup(c->arena, c->at, len);
			c->at += len;
		}
		key = *key ? arena_strf(c->arena, "%s.%s", key, part) : part;
		skip_blanks(c);
		if (*c->at != '.')
			return key;
		c->at++;
	}
}

static void take_value(struct cursor *c, struct doctor_toml_value *v);

static void take_pair(struct cursor *c, const char *table)
{
	struct doctor_toml_value v = { .key = take_key(c, table) };
	const char *start;

	if (*c->at != '=')
		return;
	c->at++;
	skip_blanks(c);
	start = c->at;
	take_value(c, &v);
	v.raw = arena_strndup(c->arena, start, (size_t)(c->at - start));
	if (*start == '{') /* its members are told */
		return;
	if (!v.value)
		v.value = v.raw;
	c->tell(c->data, &v);
}

static void take_table(struct cursor *c, const char *table)
{
	for (c->at++; skip_lines(c), *c->at && *c->at != '}';) {
		const char *before = c->at;

		take_pair(c, table);
		skip_lines(c);
		if (*c->at == ',' || c->at == before)
			c->at += *c->at != '\0';
	}
	c->at += *c->at == '}';
}

/* Collects the strings; nobody asks for what else a list has. */
static void take_list(struct cursor *c, struct doctor_toml_value *v)
{
	size_t cap = 0;

	for (c->at++; skip_lines(c), *c->at && *c->at != ']';) {
		struct doctor_toml_value element = { .key = v->key };
		const char *before = c->at;
		bool string = *before == '"' || *before == '\'';

		take_value(c, &element);
		if (string) {
			v->list = arena_room(c->arena, v->list, v->n_list, &cap, sizeof(*v->list));
			v->list[v->n_list++] = element.value;
		}
		skip_lines(c);
		if (*c->at == ',' || c->at == before)
			c->at += *c->at != '\0';
	}
	c->at += *c->at == ']';
	v->value = v->n_list ? v->list[0] : NULL;
}

static void take_value(struct cursor *c, struct doctor_toml_value *v)
{
	if (*c->at == '"' || *c->at == '\'') {
		v->value = take_string(c);
	} else if ((*c->at == '{' || *c->at == '[') && c->depth < MAX_DEPTH) {
		c->depth++;
		if (*c->at == '{')
			take_table(c, v->key);
		else
			take_list(c, v);
		c->depth--;
	} else {
		c->at += strcspn(c->at, " \t\r\n,]}#");
	}
}

void doctor_toml_read(struct arena *arena, const char *text,
		      void (*tell)(void *data, const struct doctor_toml_value *value), void *data)
{
	struct cursor c = { .arena = arena, .at = text, .tell = tell, .data = data };
	const char *table = "";

	for (; skip_lines(&c), *c.at; skip_line(&c)) {
		if (*c.at == '[') {
			c.at += strspn(c.at, "[");
			table = take_key(&c, "");
		} else {
			take_pair(&c, table);
		}
	}
}
