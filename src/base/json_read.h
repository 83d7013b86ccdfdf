/* SPDX-License-Identifier: Apache-2.0 */
/* Reads JSON into structs in one streaming pass over yajl's events, driven by field tables.
 *
 * For every key of an object, a table gives the type, the range, whether it is required, and where
 * in the struct the value goes. Errors name file, line, column, JSON path, rule and value:
 *     config.json:12:20: process.user.uid: expected an integer from 0 to 4294967295, got "root"
 * Unknown keys are legal and skipped. Duplicate keys, NUL bytes in strings, invalid UTF-8, data
 * after the document, too deep nesting and too long strings are errors. null in place of an
 * optional member means "absent", as in every OCI runtime. */
#pragma once

#include "src/base/arena.h"

#include <stdint.h>

/* An absent value stays zero: set is false. */
struct json_bool {
	bool set, v;
};
struct json_int {
	bool set;
	int64_t v;
};
struct json_uint {
	bool set;
	uint64_t v;
};

/* A list. In a struct: JSON_LIST(struct oci_mount) mounts; then mounts.v[i], i < mounts.n.
 * An absent list has v == NULL; an empty one n == 0 and v != NULL. */
#define JSON_LIST(type)                                                                            \
	struct {                                                                                   \
		type *v;                                                                           \
		size_t n;                                                                          \
	}

struct json_pair {
	const char *key, *value;
};

/* Names of an enumeration. For optional members value 0 must not be used: it means "absent". Ends
 * with { "", 0 }. */
struct json_name {
	char name[40];
	int value;
};

enum json_kind {
	JSON_STRING,     /* const char * */
	JSON_BOOL,       /* struct json_bool */
	JSON_INT,        /* struct json_int; range imin..imax */
	JSON_UINT,       /* struct json_uint; range 0..umax (umin for a lower bound) */
	JSON_ENUM,       /* int; a string out of names */
	JSON_OBJECT,     /* pointer to a struct of type, NULL when absent */
	JSON_STRINGS,    /* JSON_LIST(const char *) */
	JSON_ENUMS,      /* JSON_LIST(int), out of names */
	JSON_INTS,       /* JSON_LIST(int64_t), each imin..imax */
	JSON_OBJECTS,    /* JSON_LIST(struct), each of type */
	JSON_STRING_MAP, /* JSON_LIST(struct json_pair), in the order of the file */
	JSON_OBJECT_MAP, /* JSON_LIST(struct) of type, whose first member is const char *key */
};

enum json_flag {
	JSON_REQUIRED = 1 << 0,  /* absent or null is an error */
	JSON_NOT_EMPTY = 1 << 1, /* "" or [] is an error; for maps, an empty key */
	JSON_ABSOLUTE = 1 << 2,  /* string(s): a path that begins with a slash */
	/* JSON_OBJECT, for members that matter only if another member says so: an invalid value
	 * leaves the member absent and stores the error's text in the const char * that follows the
	 * pointer in the struct. */
	JSON_LENIENT = 1 << 3,
	/* JSON_UINT: 2^64 - 1 is read as null, because Docker writes it (as -1) if its user gave no
	 * value. */
	JSON_MAX_IS_NULL = 1 << 4,
	JSON_NOT_NULL = 1 << 5, /* may be absent, but null is an error */
	/* JSON_STRING, JSON_ENUM: "" is read as null, because Go programs write it for "not
	 * set". */
	JSON_EMPTY_IS_NULL = 1 << 6,
};

struct json_range {
	union { /* for JSON_INT and JSON_INTS; for JSON_UINT */
		int64_t imin;
		uint64_t umin;
	};
	union {
		int64_t imax;
		uint64_t umax;
	};
};
#define JSON_RANGE(...)                                                                            \
	.range = &(const struct json_range)                                                        \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

/* Kept small: tables with pointers are relocated at every start, which copies their pages. */
struct json_field {
	const char *key;
	enum json_kind kind : 8;
	unsigned int flags : 24;
	uint32_t offset;
	union {
		const struct json_range *range; /* of numbers, which must have one */
		const struct json_type *type;   /* of objects */
		const struct json_name *names;  /* of enumerations */
	};
};

struct json_type {
	const struct json_field *fields;
	uint32_t n_fields;
	uint32_t size; /* of the struct */
};

struct json_limits {
	size_t depth;  /* nesting */
	size_t string; /* bytes of one string */
	/* Called with each unknown member, described with its location; or NULL. */
	void (*unknown)(void *data, const char *text);
	void *data;
};

/* Decodes text (len bytes) into *ret, a zeroed struct of type. Everything that it points to lives
 * in the arena, and no string points into text. file is the name in error texts. If it is NULL, an
 * error carries the JSON path alone, or begins with line and column where the text is not JSON
 * (code EBADMSG). */
int json_read(struct arena *arena, const char *file, const char *text, size_t len,
	      const struct json_type *type, const struct json_limits *limits, void *ret,
	      struct err *err) MUST_CHECK;

/* Finds where the value at a JSON path begins, for errors found after decoding. Paths look like
 * "mounts[2].options" or "process.user.uid", and, for keys with dots or brackets,
 * linux.sysctl["net.core.somaxconn"]; "" is the document. Returns false if the value is not in the
 * text (which may be NULL). Lines and columns count from 1. */
bool json_read_locate(const char *text, size_t len, const char *path, size_t *ret_line,
		      size_t *ret_column);

/* Finds the bytes of the member or element at a path, from its key's opening quote to the end of
 * its value. false if it is not in the text. */
bool json_read_extent(const char *text, size_t len, const char *path, size_t *ret_start,
		      size_t *ret_end);

/* The value of a name, or 0; the name of a value, or NULL. */
int json_read_enum(const struct json_name *names, const char *name);
const char *json_read_enum_name(const struct json_name *names, int value);
