/* SPDX-License-Identifier: Apache-2.0 */
/* yajl calls a function for each token; a stack of frames records which table describes it and
 * which struct it fills. Members unknown to the tables are skipped by counting brackets. A value
 * that violates its table makes a callback return 0, which stops yajl. Nothing recurses, and every
 * byte is looked at a fixed number of times: keys are compared for duplicates when their object
 * ends, by sorting. */
#include "src/base/json_read.h"

#include "src/base/json_memory.h"
#include "src/base/json_reader.h"
#include "src/base/json_text.h"
#include "src/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Keys unknown to the tables are kept in one array for all open objects, and compared when their
 * object ends, by sorting: a hash could be attacked with colliding keys. */
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

	if (!r->file) { /* the path is then the only location */
		json_reader_top(r)->key = key;
		json_reader_top(r)->key_len = len;
	}
	return json_read_error_rule(r, start, "the key \"%s\" is listed twice",
				    json_text_shorten(shown, sizeof(shown), key, len));
}

static bool check_duplicates(struct json_reader *r)
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

/* Members usually come roughly in table order, so the search resumes where the last one ended. */
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
		if (r->limits->unknown)
			json_read_error_unknown(r, f, s, len);
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
	/* Both element types begin with their key. */
	memcpy(element, &copy, sizeof(copy));
	f->key = copy;
	f->key_len = len;
	return true;
}

static bool read_key(struct json_reader *r, const char *s, size_t len)
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

static bool check_required(struct json_reader *r)
{
	struct json_frame *f = json_reader_top(r);

	for (size_t i = 0; i < f->type->n_fields; i++) {
		const struct json_field *field = &f->type->fields[i];

		if (!(field->flags & JSON_REQUIRED) || f->seen & UINT64_C(1) << i)
			continue;
		f->key = field->key;
		f->key_len = strlen(field->key);
		return json_read_error_rule(r, f->start, "required but missing");
	}
	return true;
}

/* An extra bracket closes the document early: report that, not the members that seem to be missing.
 * yajl finds text after the end by itself, except for an unterminated string. */
static bool is_closed_early(struct json_reader *r)
{
	size_t at = yajl_get_bytes_consumed(r->handle);

	while (at < r->len && strchr(" \t\r\n", r->text[at]))
		at++;
	if (r->depth == 1 && at < r->len)
		r->early = at;
	return r->early != 0;
}

/* Whether another bracket may be opened. */
static bool check_depth(struct json_reader *r)
{
	if (r->depth + r->skip < r->limits->depth)
		return true;
	return json_read_error_rule(r, json_reader_offset(r) - 1,
				    "nested more than %zu levels deep", r->limits->depth);
}

static void push(struct json_reader *r, struct json_frame frame)
{
	frame.start = json_reader_offset(r) - 1;
	frame.first_key = r->n_keys;
	r->frames[r->depth++] = frame;
}

static bool open_object(struct json_reader *r)
{
	struct json_slot slot = json_read_value_slot(r);
	const struct json_type *type = slot.field ? slot.field->type : r->type;

	if (!check_depth(r))
		return false;
	if (!slot.at) {
		r->skip++;
		return true;
	}
	if (slot.kind == JSON_STRING_MAP || slot.kind == JSON_OBJECT_MAP) {
		push(r,
		     (struct json_frame){
			     .kind = FRAME_MAP, .field = slot.field, .type = type, .at = slot.at });
		return true;
	}
	if (slot.kind != JSON_OBJECT)
		return json_read_value_wrong(r, &slot, 1);
	if (slot.field && !slot.element) {
		void *object = arena_alloc(r->arena, type->size);

		memcpy(slot.at, &object, sizeof(object));
		slot.at = object;
	}
	push(r, (struct json_frame){ .kind = FRAME_OBJECT, .type = type, .at = slot.at });
	return true;
}

static bool open_array(struct json_reader *r)
{
	struct json_slot slot = json_read_value_slot(r);

	if (!check_depth(r))
		return false;
	if (!slot.at) {
		r->skip++;
		return true;
	}
	if (!slot.field || (slot.kind != JSON_STRINGS && slot.kind != JSON_ENUMS &&
			    slot.kind != JSON_INTS && slot.kind != JSON_OBJECTS))
		return json_read_value_wrong(r, &slot, 1);
	push(r, (struct json_frame){ .kind = FRAME_LIST,
				     .field = slot.field,
				     .type = slot.field->type,
				     .at = slot.at });
	return true;
}

/* Stores the collected elements in the struct. */
static bool finish_list(struct json_reader *r)
{
	struct json_frame *f = json_reader_top(r);
	void *v = f->elements ? f->elements : arena_alloc(r->arena, 1);

	if (f->n == 0 && f->kind == FRAME_LIST && f->field && f->field->flags & JSON_NOT_EMPTY)
		return json_read_error_rule(r, f->start, "must not be empty");
	memcpy(f->at, &v, sizeof(v));
	memcpy(f->at + sizeof(v), &f->n, sizeof(f->n));
	return true;
}

static bool close_bracket(struct json_reader *r)
{
	struct json_frame *f;

	if (r->skip) {
		r->skip--;
		return true;
	}
	f = json_reader_top(r);
	if (f->kind == FRAME_OBJECT)
		f->field = NULL;
	if (f->kind != FRAME_LIST && !check_duplicates(r))
		return false;
	if (is_closed_early(r)) {
		r->depth--;
		return true;
	}
	if (f->kind == FRAME_OBJECT ? !check_required(r) : !finish_list(r))
		return false;
	r->depth--;
	return true;
}

enum event { EVENT_VALUE, EVENT_OPEN, EVENT_CLOSE };

/* After an error: whether it happened inside a lenient member. If so, drops that member's object
 * and skips the rest of it. */
static bool tolerate(struct json_reader *r, enum event event)
{
	const char *text;
	void *none = NULL;
	size_t i;
	char *at;

	for (i = 0; i < r->depth; i++) {
		const struct json_frame *f = &r->frames[i];

		if (f->kind == FRAME_OBJECT && f->field && f->field->flags & JSON_LENIENT)
			break;
	}
	if (i == r->depth)
		return false;
	at = r->frames[i].at + r->frames[i].field->offset;
	text = *r->err->path ? arena_strf(r->arena, "%s: %s", r->err->path, r->err->text)
			     : arena_strdup(r->arena, r->err->text);
	memcpy(at, &none, sizeof(none));
	memcpy(at + sizeof(none), &text, sizeof(text));
	r->skip += r->depth - i - 1 + (event == EVENT_OPEN) - (event == EVENT_CLOSE);
	if (i + 1 < r->depth)
		r->n_keys = r->frames[i + 1].first_key;
	r->depth = i + 1;
	*r->err = (struct err){ 0 };
	return true;
}

static int finish(struct json_reader *r, bool ok, enum event event)
{
	r->last = json_reader_offset(r);
	return ok || tolerate(r, event);
}

static int on_null(void *ctx)
{
	return finish(ctx, json_read_value_null(ctx), EVENT_VALUE);
}

static int on_bool(void *ctx, int value)
{
	return finish(ctx, json_read_value_bool(ctx, value), EVENT_VALUE);
}

static int on_number(void *ctx, const char *s, size_t len)
{
	return finish(ctx, json_read_value_number(ctx, s, len), EVENT_VALUE);
}

static int on_string(void *ctx, const unsigned char *s, size_t len)
{
	return finish(ctx, json_read_value_string(ctx, (const char *)s, len), EVENT_VALUE);
}

static int on_key(void *ctx, const unsigned char *s, size_t len)
{
	return finish(ctx, read_key(ctx, (const char *)s, len), EVENT_VALUE);
}

static int on_open_object(void *ctx)
{
	return finish(ctx, open_object(ctx), EVENT_OPEN);
}

static int on_open_array(void *ctx)
{
	return finish(ctx, open_array(ctx), EVENT_OPEN);
}

static int on_close(void *ctx)
{
	return finish(ctx, close_bracket(ctx), EVENT_CLOSE);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_open_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_close,
	.yajl_start_array = on_open_array,
	.yajl_end_array = on_close,
};

/* Finds what yajl misses (overlong UTF-8) or does not explain (a NUL byte, a byte order mark). */
static bool check_text(struct json_reader *r)
{
	size_t bad = json_text_find_bad_utf8(r->text, r->len);
	const char *nul = memchr(r->text, '\0', r->len);

	if (bad < r->len && (!nul || nul > r->text + bad))
		return json_read_error_rule(r, bad, "not valid UTF-8 (byte 0x%02x)",
					    (unsigned char)r->text[bad]);
	if (nul)
		return json_read_error_rule(r, (size_t)(nul - r->text), "a NUL byte");
	if (r->len >= 3 && memcmp(r->text, "\xef\xbb\xbf", 3) == 0)
		return json_read_error_rule(r, 0, "a byte order mark, which JSON does not have");
	return true;
}

static int parse(struct json_reader *r)
{
	yajl_status status;

	if (r->len == 0)
		return err_set(r->err, r->file ? EINVAL : EBADMSG, "%s: the file is empty",
			       r->file ? r->file : "1:1");
	r->no_json = true;
	if (!check_text(r))
		return -r->err->code;
	r->no_json = false;
	status = yajl_parse(r->handle, (const unsigned char *)r->text, r->len);
	if (status == yajl_status_ok) {
		r->at_end = true;
		status = yajl_complete_parse(r->handle);
	}
	if (status == yajl_status_error || (status == yajl_status_ok && r->early))
		json_read_error_syntax(r);
	return status == yajl_status_ok && !r->early ? 0 : -r->err->code;
}

/* NOLINTNEXTLINE(readability-function-size): one table, one text, one result */
int json_read(struct arena *arena, const char *file, const char *text, size_t len,
	      const struct json_type *type, const struct json_limits *limits, void *ret,
	      struct err *err)
{
	struct json_reader r = {
		.arena = arena,
		.file = file,
		.text = text,
		.len = len,
		.limits = limits,
		.err = err,
		.type = type,
		.ret = ret,
	};
	int result;

	r.handle = yajl_alloc(&callbacks, json_memory(), &r);
	/* check_text() is stricter. */
	(void)yajl_config(r.handle, yajl_dont_validate_strings, 1);
	r.frames = arena_array(arena, limits->depth, sizeof(*r.frames));
	result = parse(&r);
	yajl_free(r.handle);
	memory_put(r.keys);
	return result;
}

int json_read_enum(const struct json_name *names, const char *name)
{
	for (; *names->name; names++)
		if (strcmp(names->name, name) == 0)
			return names->value;
	return 0;
}

const char *json_read_enum_name(const struct json_name *names, int value)
{
	for (; *names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}
