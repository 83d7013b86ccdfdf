/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a value against its field, and finds where to store it. */
#include "src/base/json_reader.h"
#include "src/base/json_text.h"

#include <assert.h>
#include <string.h>

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

void *json_read_value_append(struct json_reader *r)
{
	struct json_frame *f = json_reader_top(r);
	size_t size = element_size(f->field);

	f->elements = arena_room(r->arena, f->elements, f->n, &f->capacity, size);
	return f->elements + size * f->n++;
}

struct json_slot json_read_value_slot(struct json_reader *r)
{
	struct json_frame *f;

	if (r->skip)
		return (struct json_slot){ 0 };
	if (r->depth == 0)
		return (struct json_slot){ .kind = JSON_OBJECT, .at = r->ret };
	f = json_reader_top(r);
	if (f->kind == FRAME_OBJECT && !f->field)
		return (struct json_slot){ 0 };
	if (f->kind == FRAME_OBJECT)
		return (struct json_slot){ f->field->kind, f->field, f->at + f->field->offset,
					   false };
	if (f->kind == FRAME_LIST)
		return (struct json_slot){ element_kind(f->field), f->field,
					   json_read_value_append(r), true };
	/* The element was appended together with its key. */
	return (struct json_slot){ element_kind(f->field), f->field,
				   f->elements + (f->n - 1) * element_size(f->field), true };
}

bool json_read_value_wrong(struct json_reader *r, const struct json_slot *slot, size_t len)
{
	size_t end = json_reader_offset(r);

	return json_read_error_value(r, slot->field, slot->element, end - len, end);
}

bool json_read_value_check_text(struct json_reader *r, const char *s, size_t len)
{
	size_t end = json_reader_offset(r), start;

	if (len > r->limits->string) {
		start = json_text_string_start(r->text, end);
		return json_read_error_rule(r, start,
					    "a text of %zu bytes, at most %zu are allowed", len,
					    r->limits->string);
	}
	if (!json_reader_has_escapes(r, s))
		return true;
	start = json_text_string_start(r->text, end);
	if (memchr(s, '\0', len))
		return json_read_error_rule(r, start, "must not contain a NUL byte (\\u0000)");
	if (json_text_has_lone_surrogate(r->text + start + 1, end - start - 2))
		return json_read_error_rule(
			r, start, "contains half of a surrogate pair, which is no character");
	return true;
}

static bool wrong_string(struct json_reader *r, const struct json_slot *slot)
{
	size_t end = json_reader_offset(r);

	return json_read_value_wrong(r, slot, end - json_text_string_start(r->text, end));
}

static bool store_enum(struct json_reader *r, const struct json_slot *slot, const char *s,
		       size_t len)
{
	for (const struct json_name *name = slot->field->names; *name->name; name++) {
		if (strncmp(name->name, s, len) == 0 && name->name[len] == '\0') {
			assert(name->value != 0 || slot->element ||
			       slot->field->flags & JSON_REQUIRED);
			memcpy(slot->at, &name->value, sizeof(int));
			return true;
		}
	}
	return wrong_string(r, slot);
}

static bool string_fits(const struct json_slot *slot, const char *s, size_t len)
{
	if (!slot->field || slot->kind != JSON_STRING)
		return false;
	if (slot->field->flags & JSON_ABSOLUTE)
		return len > 0 && s[0] == '/';
	/* For a list or map this flag applies to the container, not to its elements. */
	return len > 0 || slot->element || !(slot->field->flags & JSON_NOT_EMPTY);
}

bool json_read_value_string(struct json_reader *r, const char *s, size_t len)
{
	struct json_slot slot = json_read_value_slot(r);
	const char *copy;

	if (!slot.at)
		return len <= r->limits->string || json_read_value_check_text(r, s, len);
	if (len == 0 && slot.field && slot.field->flags & JSON_EMPTY_IS_NULL)
		return true;
	if (slot.kind == JSON_ENUM)
		return json_read_value_check_text(r, s, len) && store_enum(r, &slot, s, len);
	if (!string_fits(&slot, s, len))
		return wrong_string(r, &slot);
	if (!json_read_value_check_text(r, s, len))
		return false;
	copy = arena_strndup(r->arena, s, len);
	if (slot.field->kind == JSON_STRING_MAP)
		((struct json_pair *)slot.at)->value = copy;
	else
		memcpy(slot.at, &copy, sizeof(copy));
	return true;
}

/* Parses an integer of 64 bits plus sign, without fraction or exponent. */
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

bool json_read_value_number(struct json_reader *r, const char *s, size_t len)
{
	struct json_slot slot = json_read_value_slot(r);
	bool negative = false;
	uint64_t value = 0;
	int64_t number;

	if (!slot.at)
		return true;
	if (!slot.field || (slot.kind != JSON_INT && slot.kind != JSON_UINT) ||
	    !parse_integer(s, len, &negative, &value))
		return json_read_value_wrong(r, &slot, len);
	if (slot.kind == JSON_UINT) {
		if (value == UINT64_MAX && slot.field->flags & JSON_MAX_IS_NULL)
			return true;
		if ((negative && value > 0) || value < slot.field->range->umin ||
		    value > slot.field->range->umax)
			return json_read_value_wrong(r, &slot, len);
		*(struct json_uint *)slot.at = (struct json_uint){ true, value };
		return true;
	}
	if (value > (uint64_t)INT64_MAX + negative)
		return json_read_value_wrong(r, &slot, len);
	number = negative ? (int64_t)(0 - value) : (int64_t)value;
	if (number < slot.field->range->imin || number > slot.field->range->imax)
		return json_read_value_wrong(r, &slot, len);
	if (slot.element)
		memcpy(slot.at, &number, sizeof(number));
	else
		*(struct json_int *)slot.at = (struct json_int){ true, number };
	return true;
}

bool json_read_value_bool(struct json_reader *r, bool value)
{
	struct json_slot slot = json_read_value_slot(r);

	if (!slot.at)
		return true;
	if (slot.kind != JSON_BOOL)
		return json_read_value_wrong(r, &slot, value ? strlen("true") : strlen("false"));
	*(struct json_bool *)slot.at = (struct json_bool){ true, value };
	return true;
}

bool json_read_value_null(struct json_reader *r)
{
	struct json_slot slot = json_read_value_slot(r);

	if (!slot.at ||
	    (slot.field && !slot.element && !(slot.field->flags & (JSON_REQUIRED | JSON_NOT_NULL))))
		return true;
	return json_read_value_wrong(r, &slot, strlen("null"));
}
