/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_write.h"
#include "tests/lib/check.h"

#include <string.h>

static struct err err;

TEST(every_value)
{
	static const char *const words[] = { "a", "b" };
	_cleanup_json_write_ struct json_write *w = json_write_new(false);
	size_t len = 0;
	const char *text;

	json_write_object(w, NULL);
	json_write_string(w, "text", "\"\\\n\x01\u00e4/");
	json_write_string(w, "none", NULL);
	json_write_int(w, "int", INT64_MIN);
	json_write_uint(w, "uint", UINT64_MAX);
	json_write_bool(w, "yes", true);
	json_write_null(w, "null");
	json_write_strings(w, "words", words, 2);
	json_write_array(w, "list");
	json_write_object(w, NULL);
	json_write_end(w);
	json_write_int(w, NULL, 1);
	json_write_end(w);
	json_write_strings(w, "empty", NULL, 0);
	json_write_end(w);
	text = json_write_text(w, &len, &err);
	CHECK_STR(text, "{\"text\":\"\\\"\\\\\\n\\u0001\u00e4/\",\"none\":null,"
			"\"int\":-9223372036854775808,\"uint\":18446744073709551615,\"yes\":true,"
			"\"null\":null,\"words\":[\"a\",\"b\"],\"list\":[{},1],\"empty\":[]}");
	CHECK_INT(len, strlen(text));
}

TEST(pretty)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(true);

	json_write_object(w, NULL);
	json_write_array(w, "list");
	json_write_bool(w, NULL, false);
	json_write_end(w);
	json_write_end(w);
	CHECK_STR(json_write_text(w, NULL, &err), "{\n  \"list\": [\n    false\n  ]\n}\n");
}

TEST(a_text_that_is_not_utf8)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(false);
	_cleanup_json_write_ struct json_write *v = json_write_new(false);

	json_write_object(w, NULL);
	json_write_string(w, "bundle", "a\xff");
	json_write_string(w, "next", "\xff");
	json_write_end(w);
	CHECK_STR(json_write_text(w, NULL, &err), NULL);
	CHECK_STR(err.text, "write JSON: bundle: \"a?\" is not valid UTF-8");
	json_write_message(v, NULL, "a\xff\xc3\u00e4");
	CHECK_STR(json_write_text(v, NULL, &err), "\"a\ufffd\ufffd\u00e4\"");
}

TEST(failures_stick)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(false);
	_cleanup_json_write_ struct json_write *v = json_write_new(false);
	_cleanup_json_write_ struct json_write *u = json_write_new(false);

	json_write_object(w, NULL);
	json_write_int(w, NULL, 1); /* no key */
	json_write_string(w, "a", "b");
	json_write_end(w);
	CHECK_STR(json_write_text(w, NULL, &err), NULL);
	CHECK_STR(err.text, "write JSON: misplaced key or value");

	json_write_object(v, NULL);
	CHECK_STR(json_write_text(v, NULL, &err), NULL);
	CHECK_STR(err.text, "write JSON: an object or array was left open");

	json_write_end(u);
	CHECK_STR(json_write_text(u, NULL, &err), NULL);
	json_write_free(NULL);
}

TEST(too_deep)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(false);

	for (int i = 0; i < 200; i++)
		json_write_array(w, NULL);
	for (int i = 0; i < 200; i++)
		json_write_end(w);
	CHECK_STR(json_write_text(w, NULL, &err), NULL);
}
