/* SPDX-License-Identifier: Apache-2.0 */
/* yajl calls one function for each thing it reads; a stack of frames knows which table describes it
 * and which struct it fills. What no table knows is skipped by counting brackets. A value that is not
 * what the table says stops yajl through the return value 0. Nothing recurses, and every byte is
 * looked at a fixed number of times: keys are compared for duplicates when their object ends, by
 * sorting them. */
#include "src/base/json_read.h"

#include "src/base/json_reader.h"
#include "src/base/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a value goes. at is NULL for members that the tables do not know. */
struct slot {
	enum json_kind kind;
	const struct json_field *field;
	void *at;
	bool element; /* of a list or map */
};

size_t json_reader_offset(const struct json_reader *r)
{
	return r->at_end ? r->len : yajl_get_bytes_consumed(r->handle);
}

static struct json_frame *top(struct json_reader *r)
{
	return &r->frames[r->depth - 1];
}

static size_t element_size(const struct json_field *field)
{
	switch (field->kind) {
	case JSON_STRINGS:
		return sizeof(const char *);
	case JSON_ENUMS:
		return sizeof(int);
	case JSON_INTS:
		return sizeof(int64_t);
	case JSON_STRING_MAP:
		return sizeof(struct json_pair);
	case JSON_OBJECTS:
	case JSON_OBJECT_MAP:
		return field->type->size;
	case JSON_STRING:
	case JSON_BOOL:
	case JSON_INT:
	case JSON_UINT:
	case JSON_ENUM:
	case JSON_OBJECT:
	default:
		return 0;
	}
}

static enum json_kind element_kind(const struct json_field *field)
{
	switch (field->kind) {
	case JSON_STRINGS:
	case JSON_STRING_MAP:
		return JSON_STRING;
	case JSON_ENUMS:
		return JSON_ENUM;
	case JSON_INTS:
		return JSON_INT;
	case JSON_OBJECTS:
	case JSON_OBJECT_MAP:
	case JSON_STRING:
	case JSON_BOOL:
	case JSON_INT:
	case JSON_UINT:
	case JSON_ENUM:
	case JSON_OBJECT:
	default:
		return JSON_OBJECT;
	}
}

/* A zeroed element at the end of the innermost list or map. */
static void *append(struct json_reader *r)
{
	struct json_frame *f = top(r);
	size_t size = element_size(f->field);

	if (f->n == f->capacity) {
		f->capacity = f->capacity ? 2 * f->capacity : 8;
		f->elements = arena_grow(r->arena, f->elements, f->n, f->capacity, size);
	}
	return f->elements + size * f->n++;
}

static struct slot next_slot(struct json_reader *r)
{
	struct json_frame *f;

	if (r->skip)
		return (struct slot){ 0 };
	if (r->depth == 0)
		return (struct slot){ .kind = JSON_OBJECT, .at = r->ret };
	f = top(r);
	if (f->kind == FRAME_OBJECT && !f->field)
		return (struct slot){ 0 };
	if (f->kind == FRAME_OBJECT)
		return (struct slot){ f->field->kind, f->field, f->at + f->field->offset, false };
	if (f->kind == FRAME_LIST)
		return (struct slot){ element_kind(f->field), f->field, append(r), true };
	/* The element was appended with its key. */
	return (struct slot){ element_kind(f->field), f->field,
			      f->elements + (f->n - 1) * element_size(f->field), true };
}

static bool wrong_value(struct json_reader *r, const struct slot *slot, size_t len)
{
	size_t end = json_reader_offset(r);

	return json_read_error_value(r, slot->field, slot->element, end - len, end);
}

/* yajl gives the text where it can, and a buffer of its own where there are escapes. */
static bool has_escapes(const struct json_reader *r, const char *s)
{
	return s < r->text || s >= r->text + r->len;
}

/* Checks on every string that is kept, and on every key of a known object. */
static bool check_string(struct json_reader *r, const char *s, size_t len)
{
	size_t end = json_reader_offset(r), start;

	if (len > r->limits->string) {
		start = json_text_string_start(r->text, end);
		return json_read_error_rule(r, start,
					    "a text of %zu bytes, at most %zu are allowed", len,
					    r->limits->string);
	}
	if (!has_escapes(r, s))
		return true;
	start = json_text_string_start(r->text, end);
	if (memchr(s, '\0', len))
		return json_read_error_rule(r, start, "must not contain a NUL byte (\\u0000)");
	if (json_text_has_lone_surrogate(r->text + start + 1, end - start - 2))
		return json_read_error_rule(
			r, start, "contains half of a surrogate pair, which is no character");
	return true;
}

static bool store_enum(struct json_reader *r, const struct slot *slot, const char *s, size_t len)
{
	for (const struct json_name *name = slot->field->names; name->name; name++) {
		if (strncmp(name->name, s, len) == 0 && name->name[len] == '\0') {
			memcpy(slot->at, &name->value, sizeof(int));
			return true;
		}
	}
	return wrong_value(r, slot,
			   json_reader_offset(r) -
				   json_text_string_start(r->text, json_reader_offset(r)));
}

static bool read_string(struct json_reader *r, const char *s, size_t len)
{
	struct slot slot = next_slot(r);
	const char *copy;
	size_t raw;

	if (!slot.at)
		return len <= r->limits->string || check_string(r, s, len);
	if (slot.kind == JSON_ENUM)
		return check_string(r, s, len) && store_enum(r, &slot, s, len);
	if (slot.kind != JSON_STRING ||
	    (len == 0 && !slot.element && slot.field->flags & JSON_NOT_EMPTY) ||
	    (slot.field->flags & JSON_ABSOLUTE && (len == 0 || s[0] != '/'))) {
		raw = json_reader_offset(r) -
		      json_text_string_start(r->text, json_reader_offset(r));
		return wrong_value(r, &slot, raw);
	}
	if (!check_string(r, s, len))
		return false;
	copy = arena_strndup(r->arena, s, len);
	if (slot.field->kind == JSON_STRING_MAP)
		((struct json_pair *)slot.at)->value = copy;
	else
		memcpy(slot.at, &copy, sizeof(copy));
	return true;
}

/* An integer that fits into 64 bits with its sign apart; no fraction, no exponent. */
static bool parse_integer(const char *s, size_t len, bool *ret_negative, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = s[0] == '-';

	*ret_negative = i == 1;
	for (; i < len; i++) {
		unsigned int digit = (unsigned char)s[i] - (unsigned int)'0';

		if (digit > 9 || __builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*ret = value;
	return true;
}

static bool read_number(struct json_reader *r, const char *s, size_t len)
{
	struct slot slot = next_slot(r);
	bool negative = false;
	uint64_t value = 0;
	int64_t number;

	if (!slot.at)
		return true;
	if (slot.kind != JSON_INT && slot.kind != JSON_UINT)
		return wrong_value(r, &slot, len);
	if (!parse_integer(s, len, &negative, &value))
		return wrong_value(r, &slot, len);
	if (slot.kind == JSON_UINT) {
		if (value == UINT64_MAX && slot.field->flags & JSON_MAX_IS_NULL)
			return true;
		if ((negative && value > 0) || value < slot.field->umin || value > slot.field->umax)
			return wrong_value(r, &slot, len);
		*(struct json_uint *)slot.at = (struct json_uint){ true, value };
		return true;
	}
	if (value > (uint64_t)INT64_MAX + negative)
		return wrong_value(r, &slot, len);
	number = negative ? (int64_t)(0 - value) : (int64_t)value;
	if (number < slot.field->imin || number > slot.field->imax)
		return wrong_value(r, &slot, len);
	if (slot.element)
		memcpy(slot.at, &number, sizeof(number));
	else
		*(struct json_int *)slot.at = (struct json_int){ true, number };
	return true;
}

static bool read_bool(struct json_reader *r, bool value)
{
	struct slot slot = next_slot(r);

	if (!slot.at)
		return true;
	if (slot.kind != JSON_BOOL)
		return wrong_value(r, &slot, value ? strlen("true") : strlen("false"));
	*(struct json_bool *)slot.at = (struct json_bool){ true, value };
	return true;
}

static bool read_null(struct json_reader *r)
{
	struct slot slot = next_slot(r);

	if (!slot.at || (slot.field && !slot.element && !(slot.field->flags & JSON_REQUIRED)))
		return true;
	return wrong_value(r, &slot, strlen("null"));
}

/* Whether one more bracket may be opened. */
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
	struct slot slot = next_slot(r);
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
		return wrong_value(r, &slot, 1);
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
	struct slot slot = next_slot(r);

	if (!check_depth(r))
		return false;
	if (!slot.at) {
		r->skip++;
		return true;
	}
	if (slot.kind != JSON_STRINGS && slot.kind != JSON_ENUMS && slot.kind != JSON_INTS &&
	    slot.kind != JSON_OBJECTS)
		return wrong_value(r, &slot, 1);
	push(r, (struct json_frame){ .kind = FRAME_LIST,
				     .field = slot.field,
				     .type = slot.field->type,
				     .at = slot.at });
	return true;
}

static void remember_key(struct json_reader *r, const char *s, size_t len)
{
	size_t end = json_reader_offset(r);

	if (r->n_keys == r->keys_capacity) {
		r->keys_capacity = r->keys_capacity ? 2 * r->keys_capacity : 32;
		r->keys = realloc(r->keys, r->keys_capacity * sizeof(*r->keys));
		if (!r->keys) {
			(void)fputs("usrun: out of memory\n", stderr);
			abort();
		}
	}
	if (has_escapes(r, s))
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

/* The keys of the innermost object, which ends here. */
static bool check_duplicates(struct json_reader *r)
{
	size_t first = top(r)->first_key;
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
	top(r)->key = NULL;
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
	struct json_frame *f = top(r);
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
	struct json_frame *f = top(r);
	const char *copy;
	void *element;

	if (len == 0 && f->field->flags & JSON_NOT_EMPTY)
		return json_read_error_rule(r, json_reader_offset(r) - 2, "an empty key");
	remember_key(r, s, len);
	copy = arena_strndup(r->arena, s, len);
	element = append(r);
	/* Both kinds of element begin with their key. */
	memcpy(element, &copy, sizeof(copy));
	f->key = copy;
	f->key_len = len;
	return true;
}

static bool read_key(struct json_reader *r, const char *s, size_t len)
{
	if (r->skip)
		return len <= r->limits->string || check_string(r, s, len);
	top(r)->key = NULL;
	if (top(r)->kind == FRAME_OBJECT)
		top(r)->field = NULL;
	if (!check_string(r, s, len))
		return false;
	return top(r)->kind == FRAME_MAP ? map_key(r, s, len) : object_key(r, s, len);
}

static bool check_required(struct json_reader *r)
{
	struct json_frame *f = top(r);

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

/* Hands the elements over to the struct. */
static bool finish_list(struct json_reader *r)
{
	struct json_frame *f = top(r);
	void *v = f->elements ? f->elements : arena_alloc(r->arena, 1);

	if (f->n == 0 && f->kind == FRAME_LIST && f->field->flags & JSON_NOT_EMPTY)
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
	f = top(r);
	if (f->kind == FRAME_OBJECT)
		f->field = NULL;
	if (f->kind != FRAME_LIST && !check_duplicates(r))
		return false;
	if (f->kind == FRAME_OBJECT ? !check_required(r) : !finish_list(r))
		return false;
	r->depth--;
	return true;
}

enum event { EVENT_VALUE, EVENT_OPEN, EVENT_CLOSE };

/* After an error: whether it lies in a member whose errors do not count (yet). Then its object is
 * taken back and the rest of it skipped. */
static bool tolerate(struct json_reader *r, enum event event)
{
	const char *text;
	void *none = NULL;
	size_t i;
	char *at;

	for (i = 0; i < r->depth; i++)
		if (r->frames[i].kind == FRAME_OBJECT && r->frames[i].field &&
		    r->frames[i].field->flags & JSON_LENIENT)
			break;
	if (i == r->depth)
		return false;
	at = r->frames[i].at + r->frames[i].field->offset;
	text = arena_strdup(r->arena, r->err->text);
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
	return finish(ctx, read_null(ctx), EVENT_VALUE);
}

static int on_bool(void *ctx, int value)
{
	return finish(ctx, read_bool(ctx, value), EVENT_VALUE);
}

static int on_number(void *ctx, const char *s, size_t len)
{
	return finish(ctx, read_number(ctx, s, len), EVENT_VALUE);
}

static int on_string(void *ctx, const unsigned char *s, size_t len)
{
	return finish(ctx, read_string(ctx, (const char *)s, len), EVENT_VALUE);
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

/* What yajl would not notice (overlong UTF-8) or not explain (a NUL byte, a byte order mark). */
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
		return err_set(r->err, EINVAL, "%s: the file is empty", r->file);
	if (!check_text(r))
		return -r->err->code;
	status = yajl_parse(r->handle, (const unsigned char *)r->text, r->len);
	if (status == yajl_status_ok) {
		r->at_end = true;
		status = yajl_complete_parse(r->handle);
	}
	if (status == yajl_status_error)
		json_read_error_syntax(r);
	return status == yajl_status_ok ? 0 : -r->err->code;
}

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

	r.handle = yajl_alloc(&callbacks, NULL, &r);
	if (!r.handle)
		return err_errno(err, ENOMEM, "read %s", file);
	/* check_text() is stricter. */
	(void)yajl_config(r.handle, yajl_dont_validate_strings, 1);
	r.frames = calloc(limits->depth, sizeof(*r.frames));
	if (!r.frames)
		result = err_errno(err, ENOMEM, "read %s", file);
	else
		result = parse(&r);
	yajl_free(r.handle);
	free(r.frames);
	free(r.keys);
	return result;
}

int json_read_enum(const struct json_name *names, const char *name)
{
	for (; names->name; names++)
		if (strcmp(names->name, name) == 0)
			return names->value;
	return 0;
}

const char *json_read_enum_name(const struct json_name *names, int value)
{
	for (; names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}
