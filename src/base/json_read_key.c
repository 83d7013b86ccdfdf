/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of objects and maps: which field they name, and whether one is there twice or missing. The keys
 * that no table knows are kept, for all open objects in one array, and compared when their object ends:
 * by sorting, since a hash could be attacked with keys that collide. */
#include "src/base/json_reader.h"
#include "src/base/json_text.h"
#include "src/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void remember_key(struct json_reader *r, const char *s, size_t len)
{
	size_t end = json_reader_offset(r);

	if (r->n_keys == r->keys_capacity) {
		r->keys_capacity = r->keys_capacity ? 2 * r->keys_capacity : 32;
		r->keys = memory_resize(r->keys, r->keys_capacity * sizeof(*r->keys));
	}
	if (json_reader_has_escapes(r, s))
		s = arena_strndup(r->arena, s, len);
	r->keys[r->n_keys++] = (struct json_key){ s, len, json_text_string_start(r->text, end) };
}

static int compare_keys(const void *a, const void *b)
{
	const struct json_key *x = a, *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = memcmp(x->s, y->s, len);

	if (order == 0 && x->len != y->len)
		order = x->len < y->len ? -1 : 1;
	if (order == 0)
		order = x->start < y->start ? -1 : 1;
	return order;
}

static bool refuse_duplicate(struct json_reader *r, const char *key, size_t len, size_t start)
{
	char shown[JSON_TEXT_QUOTE];

	return json_read_error_rule(r, start, "the key \"%s\" is there twice",
				    json_text_shorten(shown, sizeof(shown), key, len));
}

bool json_read_key_check_duplicates(struct json_reader *r)
{
	size_t first = json_reader_top(r)->first_key;
	const struct json_key *twice = NULL;

	if (r->n_keys - first > 1)
		qsort(r->keys + first, r->n_keys - first, sizeof(*r->keys), compare_keys);
	for (size_t i = first + 1; i < r->n_keys; i++) {
		const struct json_key *a = &r->keys[i - 1], *b = &r->keys[i];

		if (a->len == b->len && memcmp(a->s, b->s, a->len) == 0 &&
		    (!twice || b->start < twice->start))
			twice = b;
	}
	r->n_keys = first;
	json_reader_top(r)->key = NULL;
	return !twice || refuse_duplicate(r, twice->s, twice->len, twice->start);
}

/* Members mostly come in the order of the table or near it, so the search goes on where it ended. */
static const struct json_field *find_field(struct json_frame *f, const char *key, size_t len)
{
	size_t n = f->type->n_fields;

	for (size_t i = 0; i < n && len > 0; i++) {
		size_t index = (f->next_field + i) % n;
		const struct json_field *field = &f->type->fields[index];

		if (field->key[0] == key[0] && strncmp(field->key, key, len) == 0 &&
		    field->key[len] == '\0') {
			f->next_field = index + 1;
			return field;
		}
	}
	return NULL;
}

static bool object_key(struct json_reader *r, const char *s, size_t len)
{
	struct json_frame *f = json_reader_top(r);
	const struct json_field *field = find_field(f, s, len);
	uint64_t bit;

	if (!field) {
		remember_key(r, s, len);
		f->key = r->keys[r->n_keys - 1].s;
		f->key_len = len;
		return true;
	}
	bit = UINT64_C(1) << (field - f->type->fields);
	if (f->seen & bit)
		return refuse_duplicate(r, s, len,
					json_text_string_start(r->text, json_reader_offset(r)));
	f->seen |= bit;
	f->field = field;
	f->key = field->key;
	f->key_len = len;
	return true;
}

static bool map_key(struct json_reader *r, const char *s, size_t len)
{
	struct json_frame *f = json_reader_top(r);
	const char *copy;
	void *element;

	if (len == 0 && f->field->flags & JSON_NOT_EMPTY)
		return json_read_error_rule(r, json_reader_offset(r) - 2, "an empty key");
	remember_key(r, s, len);
	copy = arena_strndup(r->arena, s, len);
	element = json_read_value_append(r);
	/* Both kinds of element begin with their key. */
	memcpy(element, &copy, sizeof(copy));
	f->key = copy;
	f->key_len = len;
	return true;
}

bool json_read_key(struct json_reader *r, const char *s, size_t len)
{
	if (r->skip)
		return len <= r->limits->string || json_read_value_check_text(r, s, len);
	json_reader_top(r)->key = NULL;
	if (json_reader_top(r)->kind == FRAME_OBJECT)
		json_reader_top(r)->field = NULL;
	if (!json_read_value_check_text(r, s, len))
		return false;
	return json_reader_top(r)->kind == FRAME_MAP ? map_key(r, s, len) : object_key(r, s, len);
}

bool json_read_key_check_required(struct json_reader *r)
{
	struct json_frame *f = json_reader_top(r);

	for (size_t i = 0; i < f->type->n_fields; i++) {
		const struct json_field *field = &f->type->fields[i];

		if (!(field->flags & JSON_REQUIRED) || f->seen & UINT64_C(1) << i)
			continue;
		f->key = field->key;
		f->key_len = strlen(field->key);
		return json_read_error_rule(r, f->start, "required, but not there");
	}
	return true;
}
