/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong is taken out of a document, and nothing else of it moves. */
#include "src/oci/repair.h"

#include "src/base/str.h"
#include "src/oci/decode.h"
#include "tests/lib/check.h"

#include <string.h>

static struct arena arena;
static struct repair repair;

static const char *mend(const char *text, const char *path)
{
	repair_init(&repair, &arena, text, strlen(text));
	return repair_mend(&repair, path);
}

TEST(values_go_with_their_commas)
{
	CHECK_STR(mend("{\"a\":1,\"b\":[2]}", "a"), "a");
	CHECK_STR(repair.text, "{      \"b\":[2]}");
	CHECK_STR(mend("{\"a\":1 , \"b\":\"x,]\"}", "b"), "b");
	CHECK_STR(repair.text, "{\"a\":1            }");
	CHECK_STR(mend("{\"a\":\n{\"c\": [\n1]}}", "a"), "a");
	CHECK_STR(repair.text, "{    \n       \n   }");
	CHECK_STR(mend("{\"a.b\":1,\"c\":{\"x\\\"y\":2}}", "[\"a.b\"]"), "[\"a.b\"]");
	CHECK_STR(repair.text, "{        \"c\":{\"x\\\"y\":2}}");
	CHECK_STR(mend("{\"c\":{\"x\\\"y\":2}}", "c[\"x\\\"y\"]"), "c[\"x\\\"y\"]");
	CHECK_STR(repair.text, "{\"c\":{        }}");
	arena_free(&arena);
}

TEST(elements_keep_their_first_numbers)
{
	size_t line, column;

	CHECK_STR(mend("{\"a\":[10,11,\n12,13]}", "a[1]"), "a[1]");
	CHECK_STR(repair.text, "{\"a\":[10,   \n12,13]}");
	CHECK_STR(repair_path(&repair, "a[0]"), "a[0]");
	CHECK_STR(repair_path(&repair, "a[1].x"), "a[2].x");
	CHECK_STR(repair_mend(&repair, "a[0]"), "a[0]");
	CHECK_STR(repair_path(&repair, "a[1]"), "a[3]");
	repair_locate(&repair, "a[3]", &line, &column);
	CHECK(line == 2 && column == 4);
	repair_locate(&repair, "a[2].missing", &line, &column);
	CHECK(line == 2 && column == 1);
	CHECK_STR(repair_mend(&repair, "a[0]"), "a[2]");
	CHECK_STR(repair_mend(&repair, "a[0]"), "a[3]");
	CHECK_STR(repair.text, "{\"a\":[      \n     ]}");
	arena_free(&arena);
}

TEST(what_is_missing_is_given_or_goes)
{
	const struct oci_config *config;
	struct err err;

	CHECK_STR(mend("{}", "ociVersion"), "ociVersion");
	CHECK_STR(repair_mend(&repair, "root.path"), "root");
	CHECK_INT(decode_config(&arena, NULL, repair.text, repair.len, &config, &err), 0);
	CHECK_STR(config->root->path, "rootfs");
	CHECK_STR(mend("{\"process\":{\"args\":[]}}", "process.cwd"), "process.cwd");
	CHECK_STR(repair.text, "{\"process\":{\"cwd\":\"/\",\"args\":[]}}");
	CHECK_STR(mend("{\"mounts\":[{},{\"x\":1}]}", "mounts[1].destination"), "mounts[1]");
	CHECK_STR(mend("{\"mounts\":[]}", "mounts[4].destination"), "mounts");
	CHECK_STR(mend("[1", "x.y"), NULL);
	CHECK_STR(mend("", "x"), NULL);
	arena_free(&arena);
}

/* Without a name, an error carries its path alone; what is no JSON has a place and a code. */
TEST(errors_without_a_document_carry_paths)
{
	const struct oci_config *config;
	const char *text = "{\"root\":{\"path\":7}}";
	struct err err = { 0 };

	CHECK(decode_config(&arena, NULL, text, strlen(text), &config, &err) < 0);
	CHECK_STR(err.path, "root.path");
	CHECK(str_starts(err.text, "expected a "));
	text = "{\n\"root\": }";
	CHECK_INT(decode_config(&arena, NULL, text, strlen(text), &config, &err), -EBADMSG);
	CHECK(str_starts(err.text, "2:9: expected a value"));
	CHECK_INT(decode_config(&arena, NULL, "", 0, &config, &err), -EBADMSG);
	CHECK_STR(err.text, "1:1: the file is empty");
	CHECK_INT(decode_config(&arena, NULL, "{\n \"\xff\"}", 7, &config, &err), -EBADMSG);
	CHECK_STR(err.text, "2:3: not valid UTF-8 (byte 0xff)");
	text = "{\"hostname\":\"a\",\"hostname\":\"b\"}";
	CHECK_INT(decode_config(&arena, NULL, text, strlen(text), &config, &err), -EINVAL);
	CHECK_STR(err.path, "hostname");
	CHECK_STR(err.text, "the key \"hostname\" is listed twice");
	arena_free(&arena);
}
