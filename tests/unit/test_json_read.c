/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_read.h"
#include "src/base/str.h"
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct inner {
	struct json_int number;
	const char *path;
};

struct entry {
	const char *key;
	struct json_uint value;
};

struct outer {
	const char *text, *needed;
	struct json_bool flag;
	struct json_int small;
	struct json_uint large;
	int word;
	const struct inner *inner;
	const struct inner *lenient;
	const char *lenient_error;
	JSON_LIST(const char *) strings;
	JSON_LIST(int) words;
	JSON_LIST(int64_t) ints;
	JSON_LIST(struct inner) inners;
	JSON_LIST(struct json_pair) map;
	JSON_LIST(struct entry) entries;
};

static const struct json_name words[] = { { "one", 1 }, { "two", 2 }, { "", 0 } };

static const struct json_field inner_fields[] = {
	{ "number", JSON_INT, JSON_REQUIRED, offsetof(struct inner, number),
	  JSON_RANGE(.imin = -5, .imax = 5) },
	{ "path", JSON_STRING, JSON_ABSOLUTE, offsetof(struct inner, path) },
};
static const struct json_type inner_type = { inner_fields, 2, sizeof(struct inner) };

static const struct json_field entry_fields[] = {
	{ "value", JSON_UINT, 0, offsetof(struct entry, value), JSON_RANGE(.umin = 1, .umax = 9) },
};
static const struct json_type entry_type = { entry_fields, 1, sizeof(struct entry) };

#define AT(member) offsetof(struct outer, member)

static const struct json_field outer_fields[] = {
	{ "text", JSON_STRING, JSON_NOT_EMPTY, AT(text) },
	{ "needed", JSON_STRING, JSON_REQUIRED, AT(needed) },
	{ "flag", JSON_BOOL, 0, AT(flag) },
	{ "small", JSON_INT, 0, AT(small), JSON_RANGE(.imin = INT64_MIN, .imax = INT64_MAX) },
	{ "large", JSON_UINT, JSON_MAX_IS_NULL, AT(large), JSON_RANGE(.umax = UINT64_MAX - 1) },
	{ "word", JSON_ENUM, 0, AT(word), .names = words },
	{ "inner", JSON_OBJECT, 0, AT(inner), .type = &inner_type },
	{ "lenient", JSON_OBJECT, JSON_LENIENT, AT(lenient), .type = &inner_type },
	{ "strings", JSON_STRINGS, JSON_NOT_EMPTY, AT(strings) },
	{ "words", JSON_ENUMS, 0, AT(words), .names = words },
	{ "ints", JSON_INTS, 0, AT(ints), JSON_RANGE(.imin = 0, .imax = 9) },
	{ "inners", JSON_OBJECTS, 0, AT(inners), .type = &inner_type },
	{ "map", JSON_STRING_MAP, JSON_NOT_EMPTY, AT(map) },
	{ "entries", JSON_OBJECT_MAP, 0, AT(entries), .type = &entry_type },
};
static const struct json_type outer_type = { outer_fields,
					     sizeof(outer_fields) / sizeof(outer_fields[0]),
					     sizeof(struct outer) };

static struct arena arena;
static struct err err;
static struct outer out;

static int read_bytes(const char *text, size_t len)
{
	static const struct json_limits limits = { .depth = 8, .string = 40 };
	/* An exact copy, so that a sanitizer sees every byte read beyond the end. */
	char *copy = malloc(len ? len : 1);
	int r;

	memcpy(copy, text, len);
	arena_free(&arena);
	out = (struct outer){ 0 };
	err = (struct err){ 0 };
	r = json_read(&arena, "f", copy, len, &outer_type, &limits, &out, &err);
	free(copy);
	return r;
}

static int read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

/* The rest of an object that has what is required. */
#define REST(text) "{\"needed\":\"\"," text "}"

static void refuses(const char *text, const char *error)
{
	CHECK_INT(read_text(text), -EINVAL);
	CHECK_STR(err.text, error);
}

TEST(every_kind)
{
	CHECK_INT(read_text("{ \"needed\": \"n\", \"flag\": false, \"small\": -7, \"large\": 8,\n"
			    "\"word\": \"two\", \"inner\": { \"number\": 5, \"path\": \"/p\" },\n"
			    "\"strings\": [ \"a\", \"\" ], \"words\": [ \"two\", \"one\" ],\n"
			    "\"ints\": [ 0, 9 ], \"inners\": [ { \"number\": -5 } ],\n"
			    "\"map\": { \"z\": \"1\", \"a\": \"2\" },\n"
			    "\"entries\": { \"e\": { \"value\": 9 }, \"f\": {} } }"),
		  0);
	CHECK_STR(out.text, NULL);
	CHECK_STR(out.needed, "n");
	CHECK(out.flag.set && !out.flag.v);
	CHECK_INT(out.small.v, -7);
	CHECK_INT(out.large.v, 8);
	CHECK_INT(out.word, 2);
	CHECK_INT(out.inner->number.v, 5);
	CHECK_STR(out.inner->path, "/p");
	CHECK_INT(out.strings.n, 2);
	CHECK_STR(out.strings.v[1], "");
	CHECK_INT(out.words.n, 2);
	CHECK_INT(out.words.v[0], 2);
	CHECK_INT(out.ints.v[1], 9);
	CHECK_INT(out.inners.v[0].number.v, -5);
	CHECK_INT(out.map.n, 2);
	CHECK_STR(out.map.v[0].key, "z");
	CHECK_STR(out.map.v[1].value, "2");
	CHECK_INT(out.entries.n, 2);
	CHECK_STR(out.entries.v[1].key, "f");
	CHECK(out.entries.v[0].value.set && !out.entries.v[1].value.set);
}

TEST(absent_null_and_empty)
{
	CHECK_INT(read_text(REST("\"flag\":null,\"inner\":null,\"strings\":null,\"map\":null")), 0);
	CHECK(!out.flag.set && !out.inner && !out.strings.v && !out.map.v && !out.ints.v);
	CHECK_INT(read_text(REST("\"words\":[],\"ints\":[],\"inners\":[],\"map\":{}")), 0);
	CHECK(out.words.v && out.ints.v && out.inners.v && out.map.v);
	CHECK_INT(out.words.n + out.ints.n + out.inners.n + out.map.n, 0);
	refuses("{\"needed\":null}", "f:1:11: needed: expected a string, got null");
	refuses(REST("\"strings\":[null]"), "f:1:25: strings[0]: expected a string, got null");
	refuses(REST("\"map\":{\"a\":null}"), "f:1:25: map.a: expected a string, got null");
	refuses(REST("\"entries\":{\"a\":null}"),
		"f:1:29: entries.a: expected an object, got null");
	refuses("null", "f:1:1: expected an object, got null");
}

TEST(unknown_members_are_skipped)
{
	CHECK_INT(read_text("{\"x\":[1,{\"needed\":[]},1e99,null],\"needed\":\"n\",\"needes\":{}}"),
		  0);
	CHECK_STR(out.needed, "n");
	CHECK_INT(read_text(REST("\"inner\":{\"number\":1,\"other\":[[]]},\"\":1")), 0);
	CHECK_INT(out.inner->number.v, 1);
}

static void keep_last(void *data, const char *text)
{
	(void)snprintf(data, 128, "%s", text);
}

/* Ends by SIGXCPU if the work grows with the square of the number of members. */
static void tell_many(void)
{
	const struct rlimit seconds = { 20, 20 };
	const char *wanted = "f:200001:1: x200000: unknown member, ignored";
	char last[128] = "";
	const struct json_limits limits = { 4, 64, keep_last, last };
	_cleanup_str_ struct str text = { 0 };
	struct err ignored = { 0 };
	struct outer many = { 0 };

	str_add(&text, "{\"needed\":\"\"");
	for (int i = 1; i <= 200000; i++)
		str_addf(&text, ",\n\"x%d\":0", i);
	str_add(&text, "}");
	if (setrlimit(RLIMIT_CPU, &seconds) < 0 ||
	    json_read(&arena, "f", text.s, text.len, &outer_type, &limits, &many, &ignored) < 0)
		_exit(1);
	_exit(strcmp(last, wanted) ? 2 : 0);
}

TEST(unknown_members_are_told_in_linear_time)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		tell_many();
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
}

TEST(wrong_kinds)
{
	refuses(REST("\"text\":1"), "f:1:21: text: expected a text that is not empty, got 1");
	refuses(REST("\"text\":\"\""), "f:1:21: text: expected a text that is not empty, got \"\"");
	refuses(REST("\"flag\":0"), "f:1:21: flag: expected true or false, got 0");
	refuses(REST("\"word\":\"six\""),
		"f:1:21: word: expected one of \"one\", \"two\", got \"six\"");
	refuses(REST("\"word\":\"on\""),
		"f:1:21: word: expected one of \"one\", \"two\", got \"on\"");
	refuses(REST("\"words\":[\"one\",2]"),
		"f:1:29: words[1]: expected one of \"one\", \"two\", got 2");
	refuses(REST("\"inner\":[]"), "f:1:22: inner: expected an object, got an array");
	refuses(REST("\"inner\":{\"number\":6}"),
		"f:1:32: inner.number: expected an integer from -5 to 5, got 6");
	refuses(REST("\"inner\":{\"path\":\"/\"}"), "f:1:22: inner.number: required but missing");
	refuses(REST("\"inner\":{\"path\":\"rel\"}"),
		"f:1:30: inner.path: expected an absolute path, got \"rel\"");
	refuses(REST("\"strings\":{}"), "f:1:24: strings: expected an array, got an object");
	refuses(REST("\"strings\":[]"), "f:1:24: strings: must not be empty");
	refuses(REST("\"strings\":[[]]"), "f:1:25: strings[0]: expected a string, got an array");
	refuses(REST("\"inners\":[{\"number\":1},\"x\"]"),
		"f:1:37: inners[1]: expected an object, got \"x\"");
	refuses(REST("\"map\":{\"a.b\":{}}"),
		"f:1:27: map[\"a.b\"]: expected a string, got an object");
	refuses(REST("\"map\":{\"\":\"\"}"), "f:1:21: map: an empty key");
	refuses("[]", "f:1:1: expected an object, got an array");
	refuses("{}", "f:1:1: needed: required but missing");
}

TEST(numbers_at_the_edge)
{
	CHECK_INT(read_text(REST("\"small\":-9223372036854775808")), 0);
	CHECK(out.small.v == INT64_MIN);
	CHECK_INT(read_text(REST("\"small\":9223372036854775807")), 0);
	CHECK(out.small.v == INT64_MAX);
	CHECK_INT(read_text(REST("\"large\":18446744073709551614")), 0);
	CHECK(out.large.v == UINT64_MAX - 1);
	CHECK_INT(read_text(REST("\"large\":18446744073709551615")), 0);
	CHECK(!out.large.set);
	CHECK_INT(read_text(REST("\"large\":-0")), 0);
	CHECK(out.large.set && out.large.v == 0);
	refuses(REST("\"small\":9223372036854775808"),
		"f:1:22: small: expected an integer from -9223372036854775808 to "
		"9223372036854775807, got 9223372036854775808");
	CHECK_INT(read_text(REST("\"small\":-9223372036854775809")), -EINVAL);
	CHECK_INT(read_text(REST("\"large\":18446744073709551616")), -EINVAL);
	CHECK_INT(read_text(REST("\"large\":-1")), -EINVAL);
	CHECK_INT(read_text(REST("\"large\":1.0")), -EINVAL);
	CHECK_INT(read_text(REST("\"large\":1e2")), -EINVAL);
	refuses(REST("\"ints\":[1,10]"),
		"f:1:24: ints[1]: expected an integer from 0 to 9, got 10");
	refuses(REST("\"entries\":{\"a\":{\"value\":0}}"),
		"f:1:38: entries.a.value: expected an integer from 1 to 9, got 0");
}

TEST(strings)
{
	CHECK_INT(read_text(REST("\"text\":\"\\u00e4\\ud83d\\ude00\\\\\\\"\\n\"")), 0);
	CHECK_STR(out.text, "\u00e4\U0001f600\\\"\n");
	CHECK_INT(read_text(REST("\"n\\u0065eded\":1,\"te\\u0078t\":\"t\"")), -EINVAL);
	CHECK_STR(err.text, "f:1:14: the key \"needed\" is listed twice");
	refuses(REST("\"text\":\"a\\u0000\""),
		"f:1:21: text: must not contain a NUL byte (\\u0000)");
	refuses(REST("\"text\":\"\\ud83d\""),
		"f:1:21: text: contains half of a surrogate pair, which is no character");
	CHECK_INT(read_text(REST("\"text\":\"\\ud83dx\"")), -EINVAL);
	CHECK_INT(read_text(REST("\"text\":\"\\ude00\\ud83d\"")), -EINVAL);
	CHECK_INT(read_text(REST("\"text\":\"\\ud83d\\ud83d\\ude00\"")), -EINVAL);
	CHECK_INT(read_text(REST("\"text\":\"\\\\ud83d\"")), 0);
	CHECK_INT(read_text(REST("\"text\":\"1234567890123456789012345678901234567890\"")), 0);
	refuses(REST("\"text\":\"12345678901234567890123456789012345678901\""),
		"f:1:21: text: a text of 41 bytes, at most 40 are allowed");
	CHECK_INT(read_text(REST("\"x\":\"12345678901234567890123456789012345678901\"")), -EINVAL);
	refuses("{\"\u00e4\u20ac\":1,\"needed\":2}", "f:1:18: needed: expected a string, got 2");
}

TEST(encodings)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *error;
	} cases[] = {
		{ "{\n\"\xc0\x80", 5, "f:2:2: not valid UTF-8 (byte 0xc0)" },
		{ "\xed\xa0\x80", 3, "f:1:1: not valid UTF-8 (byte 0xed)" },
		{ "\xf4\x90\x80\x80", 4, "f:1:1: not valid UTF-8 (byte 0xf4)" },
		{ "\xe2\x82", 2, "f:1:1: not valid UTF-8 (byte 0xe2)" },
		{ "\xe0\x9f\x80", 3, "f:1:1: not valid UTF-8 (byte 0xe0)" },
		{ "12345678\xff", 9, "f:1:9: not valid UTF-8 (byte 0xff)" },
		{ "{\"a\":\"\0\"}", 9, "f:1:7: a NUL byte" },
		{ "\0\xff", 2, "f:1:1: a NUL byte" },
		{ "\xef\xbb\xbf{}", 5, "f:1:1: a byte order mark, which JSON does not have" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_INT(read_bytes(cases[i].bytes, cases[i].len), -EINVAL);
		CHECK_STR(err.text, cases[i].error);
	}
}

TEST(duplicate_keys)
{
	refuses(REST("\"flag\":true,\"flag\":true"), "f:1:26: the key \"flag\" is listed twice");
	refuses(REST("\"flag\":null,\"flag\":null"), "f:1:26: the key \"flag\" is listed twice");
	refuses(REST("\"x\":1,\"y\":1,\"y\":1,\"x\":1"), "f:1:26: the key \"y\" is listed twice");
	refuses(REST("\"map\":{\"a\":\"\",\"b\":\"\",\"\\u0061\":\"\"}"),
		"f:1:35: map: the key \"a\" is listed twice");
	refuses(REST("\"entries\":{\"a\":{},\"a\":{}}"),
		"f:1:32: entries: the key \"a\" is listed twice");
	refuses(REST("\"inner\":{\"number\":1,\"q\":1,\"q\":1}"),
		"f:1:40: inner: the key \"q\" is listed twice");
	/* The same key on different levels, and a key that begins with another one. */
	CHECK_INT(
		read_text(REST(
			"\"x\":1,\"xy\":1,\"map\":{\"x\":\"\"},\"inner\":{\"x\":1,\"number\":1}")),
		0);
}

TEST(lenient_members)
{
	CHECK_INT(read_text(REST("\"lenient\":{\"number\":1}")), 0);
	CHECK_INT(out.lenient->number.v, 1);
	CHECK_STR(out.lenient_error, NULL);
	CHECK_INT(read_text(REST(
			  "\"lenient\":{\"x\":1,\"number\":{\"a\":[]},\"path\":1},\"flag\":true")),
		  0);
	CHECK(!out.lenient && out.flag.v);
	CHECK_STR(out.lenient_error,
		  "f:1:40: lenient.number: expected an integer from -5 to 5, got an object");
	CHECK_INT(read_text(REST("\"lenient\":{},\"flag\":true")), 0);
	CHECK(!out.lenient && out.flag.v);
	CHECK_STR(out.lenient_error, "f:1:24: lenient.number: required but missing");
	CHECK_INT(read_text(REST("\"lenient\":[[{}]],\"flag\":true")), 0);
	CHECK_STR(out.lenient_error, "f:1:24: lenient: expected an object, got an array");
	CHECK(out.flag.v);
	/* What follows is not covered by it. */
	CHECK_INT(read_text(REST("\"lenient\":1,\"flag\":1")), -EINVAL);
	CHECK_INT(read_text(REST("\"lenient\":1,\"lenient\":1")), -EINVAL);
	CHECK_INT(read_text("{\"lenient\":1}"), -EINVAL);
	CHECK_INT(read_text(REST("\"lenient\":1,\"x\":1,\"x\":1")), -EINVAL);
}

TEST(syntax)
{
	refuses("", "f: the file is empty");
	refuses(" \n", "f:1:1: the file is empty");
	refuses("{\"a\":1,}", "f:1:7: a: a comma with nothing behind it");
	CHECK_STR(err.hint, "remove this comma, or add the missing value before the }");
	refuses("{\"strings\":[\"a\", \n]}", "f:1:16: strings[0]: a comma with nothing behind it");
	refuses("{\"a\":True}", "f:1:6: a: expected a value, got True");
	CHECK_STR(err.hint, "write true, false and null in lower case");
	refuses("{\"a\" 1}", "f:1:6: a: expected \":\" behind the key, got 1");
	refuses("{\"a\":1 \"b\"}", "f:1:8: a: expected \",\" or \"}\", got \"b\"");
	refuses("{\"strings\":[\"a\" \"b\"]}",
		"f:1:17: strings[0]: expected \",\" or \"]\", got \"b\"");
	refuses("{\"a\":nope}", "f:1:6: a: expected a value, got nope");
	CHECK_STR(err.hint, "a text needs double quotes");
	refuses("{nope:1}", "f:1:2: expected a value, got nope");
	CHECK_STR(err.hint, "a text needs double quotes");
	refuses(REST("\"a\":1") "nope",
		"f:1:20: unexpected text after the end of the document, got nope");
	CHECK_STR(err.hint, "");
	refuses("{\"a\":01}", "f:1:7: a: expected \",\" or \"}\", got 1");
	refuses("{'a':1}", "f:1:2: expected a value, got '");
	CHECK_STR(err.hint, "use double quotes");
	refuses("{/**/}", "f:1:2: comments are no part of JSON, got /");
	refuses("{\"a\":\"\\q\"}",
		"f:1:8: a: a backslash in front of a character that needs none, got q");
	refuses("{\"a\":\"x\ny\"}", "f:1:8: a: a control character (a line break?) in a string");
	refuses("{\"a\":}", "f:1:6: a: expected a value, got }");
	refuses(REST("\"a\":1") " {",
		"f:1:21: unexpected text after the end of the document, got {");
	CHECK_INT(read_text(REST("\"a\":1") " \r\n\t"), 0);
	/* What seems to be missing stands behind the bracket that is too much. */
	refuses("{\"a\":1}, \"text\":\"x\"}",
		"f:1:8: unexpected text after the end of the document, got ,");
	/* yajl stops inside of it, behind the first byte of a character. */
	refuses("{\"a\":1}\n\"\xf0\xbb\xbf\xbb\nx\"",
		"f:2:1: unexpected text after the end of the document, got \"\xf0\xbb\xbf\xbb?x\"");
}

TEST(truncated_anywhere)
{
	static const char text[] =
		REST("\"inner\":{\"number\":-1,\"path\":\"/\\u00e4\"},\"strings\":"
		     "[\"a\",\"b\"],\"flag\":true,\"x\":[1.5e3,null]");

	CHECK_INT(read_text(text), 0);
	for (size_t len = 1; len < sizeof(text) - 1; len++) {
		CHECK_INT(read_bytes(text, len), -EINVAL);
		CHECK(strstr(err.text, "the file ends in the middle of the document"));
	}
	refuses("{\"needed\":\"\",\n\"strings\":[\"a",
		"f:2:14: strings: the file ends in the middle of the document");
}

TEST(depth)
{
	CHECK_INT(read_text(REST("\"x\":[[[[[[[]]]]]]]")), 0);
	refuses(REST("\"x\":[[[[[[[[]]]]]]]]"), "f:1:25: x: nested more than 8 levels deep");
	CHECK_INT(read_text(REST("\"inners\":[{\"x\":[[[[[[]]]]]]}]")), -EINVAL);
}

/* A hundred thousand keys of each sort; with a quadratic search this would take minutes. */
TEST(many_keys_take_linear_time)
{
	enum { KEYS = 100000 };
	static const char *const shapes[] = { "{\"needed\":\"\"", "{\"needed\":\"\",\"x\":{\"y\":1",
					      "{\"needed\":\"\",\"map\":{\"y\":\"\"" };
	clock_t start = clock();
	char *text = malloc(KEYS * 20 + 100);

	for (int shape = 0; shape < 3; shape++) {
		char *p = text + sprintf(text, "%s", shapes[shape]);

		for (int i = 0; i < KEYS; i++)
			p += sprintf(p, ",\"key%d\":\"v\"", i);
		(void)sprintf(p, "%s", shape ? "}}" : "}");
		CHECK_INT(read_text(text), 0);
		CHECK_INT(out.map.n, shape == 2 ? KEYS + 1 : 0);
	}
	free(text);
	arena_free(&arena);
	CHECK((clock() - start) / CLOCKS_PER_SEC < 5);
}

static void located(const char *path, size_t line, size_t column)
{
	static const char text[] = "{ \"a\": [ 1, { \"b.c\": \"x]\\\"\" },\n  [ true ] ],\n"
				   "\"d\\\"\": { \"\u00e4\": null, \"e\": -1 } }";
	size_t found_line = 0, found_column = 0;

	CHECK_INT(json_read_locate(text, strlen(text), path, &found_line, &found_column), line > 0);
	CHECK_INT(found_line, line);
	CHECK_INT(found_column, column);
}

TEST(locate)
{
	located("", 1, 1);
	located("a", 1, 8);
	located("a[0]", 1, 10);
	located("a[1]", 1, 13);
	located("a[1][\"b.c\"]", 1, 22);
	located("a[2]", 2, 3);
	located("a[2][0]", 2, 5);
	located("a[2][1]", 0, 0);
	located("a[3]", 0, 0);
	located("a.b", 0, 0);
	located("x", 0, 0);
	located("[\"d\\\"\"].e", 3, 26);
	located("[\"d\\\"\"].\u00e4", 3, 15);
	located("a[", 0, 0);
	located("a[x]", 0, 0);
	located("[\"a", 0, 0);
	CHECK(!json_read_locate(NULL, 0, "a", &(size_t){ 0 }, &(size_t){ 0 }));
}

TEST(locate_survives_what_was_never_accepted)
{
	static const char text[] = "{\"a\":[1,\"\\";
	size_t line, column;

	for (size_t len = 0; len < sizeof(text); len++) {
		char *copy = malloc(len + 1);

		memcpy(copy, text, len);
		copy[len] = 'x';
		(void)json_read_locate(copy, len, "a[1]", &line, &column);
		(void)json_read_locate(copy, len, "b", &line, &column);
		free(copy);
	}
}

TEST(names)
{
	CHECK_INT(json_read_enum(words, "two"), 2);
	CHECK_INT(json_read_enum(words, "three"), 0);
	CHECK_STR(json_read_enum_name(words, 1), "one");
	CHECK_STR(json_read_enum_name(words, 3), NULL);
}
