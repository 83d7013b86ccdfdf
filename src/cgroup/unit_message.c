/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cgroup/unit_message.h"

#include "src/base/parse.h"
#include "src/sys/helper_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A property is NAME TYPE NUMBER REAL TEXT, the count of what follows, and that: texts, numbers of bytes, or pairs
 * of FIRST SECOND NUMBER. The bits of a real number travel as an integer. */

struct cursor {
	struct arena *arena;
	const char *at, *end;
	bool bad; /* it ended too early, or held something else; what is read from then on is empty */
};

static void put_number(struct str *record, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	helper_put(record, text);
}

/* NULL is told apart from "". */
static void put_text(struct str *record, const char *text)
{
	helper_put(record, text ? "=" : "-");
	if (text)
		helper_put(record, text);
}

static uint64_t get_number(struct cursor *c)
{
	const char *text = helper_next(&c->at, c->end);
	uint64_t number = 0;

	c->bad = c->bad || !text || parse_u64(text, &number) < 0;
	return c->bad ? 0 : number;
}

static const char *get_text(struct cursor *c)
{
	const char *mark = helper_next(&c->at, c->end);
	const char *text = mark && *mark == '=' ? helper_next(&c->at, c->end) : NULL;

	c->bad = c->bad || !mark || (*mark == '=' && !text);
	return c->bad ? NULL : text;
}

/* A count of things that take a byte or more each: no record claims more of them than it has room for. */
static size_t get_count(struct cursor *c)
{
	uint64_t n = get_number(c);

	c->bad = c->bad || n > (uint64_t)(c->end - c->at);
	return c->bad ? 0 : (size_t)n;
}

static void put_property(struct str *record, const struct cgroup_property *p)
{
	uint64_t bits;

	memcpy(&bits, &p->real, sizeof(bits));
	put_text(record, p->name);
	put_text(record, p->type);
	put_number(record, p->number);
	put_number(record, bits);
	put_text(record, p->text);
	put_number(record, p->n);
	for (size_t i = 0; i < p->n; i++) {
		if (p->texts)
			put_text(record, p->texts[i]);
		else if (p->bytes)
			put_number(record, p->bytes[i]);
		else {
			put_text(record, p->pairs[i].first);
			put_text(record, p->pairs[i].second);
			put_number(record, p->pairs[i].number);
		}
	}
}

static void get_texts(struct cursor *c, struct cgroup_property *p)
{
	const char **texts = arena_array(c->arena, p->n + 1, sizeof(*texts));

	for (size_t i = 0; i < p->n; i++)
		texts[i] = get_text(c);
	p->texts = texts;
}

static void get_bytes(struct cursor *c, struct cgroup_property *p)
{
	uint8_t *bytes = arena_array(c->arena, p->n + 1, sizeof(*bytes));

	for (size_t i = 0; i < p->n; i++)
		bytes[i] = (uint8_t)get_number(c);
	p->bytes = bytes;
}

static void get_pairs(struct cursor *c, struct cgroup_property *p)
{
	struct cgroup_property_pair *pairs = arena_array(c->arena, p->n + 1, sizeof(*pairs));

	for (size_t i = 0; i < p->n; i++) {
		pairs[i].first = get_text(c);
		pairs[i].second = get_text(c);
		pairs[i].number = get_number(c);
	}
	p->pairs = pairs;
}

static void get_property(struct cursor *c, struct cgroup_property *p)
{
	uint64_t bits;

	p->name = get_text(c);
	p->type = get_text(c);
	p->number = get_number(c);
	bits = get_number(c);
	memcpy(&p->real, &bits, sizeof(bits));
	p->text = get_text(c);
	p->n = get_count(c);
	c->bad = c->bad || !p->name || !p->type;
	if (c->bad)
		return;
	if (str_equal(p->type, "ay"))
		get_bytes(c, p);
	else if (str_starts(p->type, "a("))
		get_pairs(c, p);
	else
		get_texts(c, p);
}

void unit_message_write(struct str *record, const struct unit_request *request)
{
	const struct cgroup_unit *unit = &request->unit;

	put_number(record, request->op);
	put_text(record, unit->ref.name);
	put_number(record, unit->ref.manager);
	put_text(record, unit->ref.runtime_dir);
	put_number(record, unit->is_slice);
	put_text(record, unit->slice);
	put_text(record, unit->subgroup);
	put_number(record, (uint64_t)request->pid);
	put_number(record, unit->n_properties);
	for (size_t i = 0; i < unit->n_properties; i++)
		put_property(record, &unit->properties[i]);
}

int unit_message_read(struct arena *arena, const char *record, size_t len, struct unit_request *ret)
{
	struct cursor c = { .arena = arena, .at = record, .end = record + len };
	struct cgroup_unit *unit = &ret->unit;
	struct cgroup_property *properties;

	*ret = (struct unit_request){ .op = (enum unit_op)get_number(&c) };
	unit->ref.name = get_text(&c);
	unit->ref.manager = (enum cgroup_manager)get_number(&c);
	unit->ref.runtime_dir = get_text(&c);
	unit->is_slice = get_number(&c);
	unit->slice = get_text(&c);
	unit->subgroup = get_text(&c);
	ret->pid = (pid_t)get_number(&c);
	unit->n_properties = get_count(&c);
	properties = arena_array(arena, unit->n_properties + 1, sizeof(*properties));
	for (size_t i = 0; i < unit->n_properties && !c.bad; i++)
		get_property(&c, &properties[i]);
	unit->properties = properties;
	return c.bad || c.at != c.end || !unit->ref.name ? -EINVAL : 0;
}
