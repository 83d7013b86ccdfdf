/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files json_read*.c; nobody else includes it. */
#pragma once

#include "src/base/json_read.h"

#include <yajl/yajl_parse.h>

/* One open object or array that a field table describes. */
struct json_frame {
	enum { FRAME_OBJECT, FRAME_LIST, FRAME_MAP } kind;
	const struct json_type *type; /* of the object, or of the elements (NULL for simple ones) */
	const struct json_field
		*field;    /* object: whose value is next or being read (NULL: unknown);
					 * otherwise the member that the list or map belongs to */
	size_t next_field; /* object: where the search for the next key begins */
	char *at;          /* object: its struct; otherwise the JSON_LIST to fill */
	const char *key;   /* object and map: the key whose value is next */
	size_t key_len;
	uint64_t seen;  /* object: the members seen, one bit each */
	char *elements; /* list and map */
	size_t n, capacity;
	size_t first_key; /* its keys begin here in the reader's keys */
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
	bool no_json; /* the text cannot be parsed any further */
	size_t early; /* where text stands behind the end of the document, or 0 */
	bool at_end;  /* yajl was told that the text has ended; its offset means nothing any more */
	size_t last;  /* end of the token before the one that yajl is at */
	const struct json_type *type;
	void *ret;
	struct json_frame *frames;
	size_t depth;          /* open frames */
	size_t skip;           /* open brackets below the innermost frame that nobody wants */
	struct json_key *keys; /* of all open frames, heap */
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

/* yajl points into the text if it can, and into its own buffer if there are escapes. */
static inline bool json_reader_has_escapes(const struct json_reader *r, const char *s)
{
	return s < r->text || s >= r->text + r->len;
}

/* Where a value goes. at is NULL for members that the tables do not know, field for the
 * document. */
struct json_slot {
	enum json_kind kind;
	const struct json_field *field;
	void *at;
	bool element; /* of a list or map */
};

/* The functions below return false with r->err filled where the text does not fit the tables. */

/* The location for the value that yajl is reporting. In a list, an element is appended for it. */
struct json_slot json_read_value_slot(struct json_reader *r);
/* A zeroed element at the end of the innermost list or map. */
void *json_read_value_append(struct json_reader *r);
/* Complains about the value that yajl is reporting, which is len bytes long. */
bool json_read_value_wrong(struct json_reader *r, const struct json_slot *slot, size_t len);
/* Rules for all strings that are kept, and for keys. */
bool json_read_value_check_text(struct json_reader *r, const char *s, size_t len);
bool json_read_value_string(struct json_reader *r, const char *s, size_t len);
bool json_read_value_number(struct json_reader *r, const char *s, size_t len);
bool json_read_value_bool(struct json_reader *r, bool value);
bool json_read_value_null(struct json_reader *r);

/* These fill r->err and return false. start: offset to report. */

/* field: whose value (or, with element, one of whose elements) it would have been; NULL for the
 * document itself. end: behind the value; for brackets, start + 1. */
bool json_read_error_value(struct json_reader *r, const struct json_field *field, bool element,
			   size_t start, size_t end);
/* The text names the rule; the path of what is being read is put in front. */
bool json_read_error_rule(struct json_reader *r, size_t start, const char *fmt, ...) PRINTF(3, 4);

/* Reports a member of the innermost object to limits->unknown. */
void json_read_error_unknown(const struct json_reader *r, const struct json_frame *f,
			     const char *key, size_t len);

/* yajl found no JSON. */
void json_read_error_syntax(struct json_reader *r);
