/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by json_read*.c; not for others. */
#pragma once

#include "src/base/json_read.h"
#include "src/base/json_text.h"

#include <yajl/yajl_parse.h>

/* An open object or array that a field table describes. */
struct json_frame {
	enum { FRAME_OBJECT, FRAME_LIST, FRAME_MAP } kind;
	const struct json_type *type; /* of the object, or of the elements (NULL for simple ones) */
	const struct json_field
		*field;    /* object: the member whose value is read next (NULL: unknown); otherwise
			    * the member that the list or map belongs to */
	size_t next_field; /* object: where the search for the next key starts */
	char *at;          /* object: its struct; otherwise the JSON_LIST to fill */
	const char *key;   /* object and map: the key whose value comes next */
	size_t key_len;
	uint64_t seen;  /* object: one bit per member seen */
	char *elements; /* list and map */
	size_t n, capacity;
	size_t first_key; /* index of its first key in the reader's keys */
	size_t start;     /* offset of the opening bracket */
};

struct json_key {
	const char *s;
	size_t len, start; /* start: offset of the opening quote */
};

struct json_reader {
	struct arena *arena;
	const char *file, *text;
	size_t len;
	const struct json_limits *limits;
	struct err *err;
	yajl_handle handle;
	bool no_json; /* the text is not JSON from here on */
	size_t early; /* offset of text after the end of the document, or 0 */
	bool at_end;  /* yajl was told that the text has ended: its offset is void now */
	size_t last;  /* end of the token before yajl's current one */
	struct json_text_place place; /* of the latest message */
	const struct json_type *type;
	void *ret;
	struct json_frame *frames;
	size_t depth;          /* open frames */
	size_t skip;           /* open brackets of a skipped value */
	struct json_key *keys; /* of all open frames, on the heap */
	size_t n_keys, keys_capacity;
};

/* The end of the token that yajl is reporting. */
static inline size_t json_reader_offset(const struct json_reader *r)
{
	return r->at_end ? r->len : yajl_get_bytes_consumed(r->handle);
}

static inline struct json_frame *json_reader_top(struct json_reader *r)
{
	return &r->frames[r->depth - 1];
}

/* yajl points into the text unless the string has escapes, for which it uses its own buffer. */
static inline bool json_reader_has_escapes(const struct json_reader *r, const char *s)
{
	return s < r->text || s >= r->text + r->len;
}

/* Where a value goes. at is NULL for members unknown to the tables, field for the document. */
struct json_slot {
	enum json_kind kind;
	const struct json_field *field;
	void *at;
	bool element; /* an element of a list or map */
};

/* The functions below return false with r->err filled if the text does not fit the tables. */

/* The slot for the value that yajl is reporting. In a list, appends an element for it. */
struct json_slot json_read_value_slot(struct json_reader *r);
/* Appends a zeroed element to the innermost list or map. */
void *json_read_value_append(struct json_reader *r);
/* Reports that the current value, len bytes long, is not what the slot wants. */
bool json_read_value_wrong(struct json_reader *r, const struct json_slot *slot, size_t len);
/* Checks that apply to all strings that are kept, and to keys. */
bool json_read_value_check_text(struct json_reader *r, const char *s, size_t len);
bool json_read_value_string(struct json_reader *r, const char *s, size_t len);
bool json_read_value_number(struct json_reader *r, const char *s, size_t len);
bool json_read_value_bool(struct json_reader *r, bool value);
bool json_read_value_null(struct json_reader *r);

/* These fill r->err and return false. start is the offset to report. */

/* field is the member whose value (or, with element, one of whose elements) is wrong; NULL for the
 * document itself. end is the offset after the value; start + 1 for brackets. */
bool json_read_error_value(struct json_reader *r, const struct json_field *field, bool element,
			   size_t start, size_t end);
/* The text states the rule; the path of the current value is put in front. */
bool json_read_error_rule(struct json_reader *r, size_t start, const char *fmt, ...) PRINTF(3, 4);

/* Reports a member of the innermost object to limits->unknown. */
void json_read_error_unknown(struct json_reader *r, const struct json_frame *f, const char *key,
			     size_t len);

/* Reports that the text is not JSON. */
void json_read_error_syntax(struct json_reader *r);
