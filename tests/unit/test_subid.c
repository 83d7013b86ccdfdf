/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/passwd.h"
#include "src/base/text.h"
#include "tests/lib/check.h"
#include "userns/caller.h"
#include "userns/subid.h"

#include <string.h>

static struct subid parse(struct arena *arena, const char *text, const char *name, uint32_t uid)
{
	struct subid subid;

	subid_parse(arena, text, name, uid, &subid);
	return subid;
}

static void check_range(const struct subid *subid, size_t i, uint32_t start, uint32_t count)
{
	CHECK(i < subid->n);
	if (i >= subid->n)
		return;
	CHECK_INT(subid->v[i].inside, 0);
	CHECK_INT(subid->v[i].outside, start);
	CHECK_INT(subid->v[i].count, count);
}

TEST(adds_up_name_and_number)
{
	struct arena arena = { 0 };
	struct subid subid = parse(&arena,
				   "bob:100000:65536\n"
				   "dev:165536:65536\n"
				   "1000:300000:10\n"
				   "1001:400000:10\n"
				   "dev:500000:1",
				   "dev", 1000);

	CHECK_INT(subid.n, 3);
	check_range(&subid, 0, 165536, 65536);
	check_range(&subid, 1, 300000, 10);
	check_range(&subid, 2, 500000, 1);
	CHECK_STR(subid.missing, NULL);
	arena_free(&arena);
}

TEST(works_without_a_name)
{
	struct arena arena = { 0 };
	struct subid subid = parse(&arena, "dev:165536:65536\n1000:300000:10\n", NULL, 1000);

	CHECK_INT(subid.n, 1);
	check_range(&subid, 0, 300000, 10);
	arena_free(&arena);
}

TEST(skips_bad_lines)
{
	struct arena arena = { 0 };
	struct subid subid = parse(&arena,
				   "# dev:1:1\n"
				   "\n"
				   "dev\n"
				   "dev:\n"
				   "dev:1\n"
				   "dev:1:\n"
				   "dev::1\n"
				   "dev:1:1:1\n"
				   "dev:x:1\n"
				   "dev: 1:1\n"
				   "dev:1:1 \n"
				   "dev:-1:1\n"
				   "dev:0x10:1\n"
				   "dev:010:1\n"
				   "dev:5:0\n"
				   "dev:4294967295:1\n"
				   "dev:4294967294:2\n"
				   "dev:1:4294967295\n"
				   "dev:99999999999999999999:1\n"
				   "developer:7:1\n"
				   "de:7:1\n"
				   ":7:1\n"
				   "dev:4294967294:1\n"
				   "dev:0:1\n",
				   "dev", 1000);

	CHECK_INT(subid.n, 2);
	check_range(&subid, 0, 4294967294, 1);
	check_range(&subid, 1, 0, 1);
	arena_free(&arena);
}

TEST(a_bad_line_has_a_number)
{
	static const struct {
		const char *text;
		size_t line, n;
	} rows[] = {
		{ "bob:100000:65536\ndev:x100:65536\n", 2, 0 },
		{ "dev 100000 65536\n", 1, 0 },
		{ "1000:100000\n", 1, 0 },
		{ "dev:100000:0\ndev:1:2:3\n", 1, 0 },
		{ "developer:x:1\nbob:x\n\n", 0, 0 },
		{ "dev:1\ndev:100000:65536\n", 1, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = { 0 };
		struct subid subid = parse(&arena, rows[i].text, "dev", 1000);

		CHECK_INT(subid.bad_line, rows[i].line);
		CHECK_INT(subid.n, rows[i].n);
		arena_free(&arena);
	}
}

TEST(says_what_is_missing)
{
	struct arena arena = { 0 };

	CHECK_STR(parse(&arena, "bob:100000:65536\n", "dev", 1000).missing,
		  "no line for dev (1000)");
	CHECK_STR(parse(&arena, "", NULL, 1000).missing, "no line for uid 1000");
	CHECK_INT(parse(&arena, "", "dev", 1000).n, 0);
	arena_free(&arena);
}

TEST(knows_what_is_nobodys)
{
	struct arena arena = { 0 };

	CHECK_INT(parse(&arena, "", "dev", 1000).unused, 100000);
	CHECK_INT(parse(&arena, "bob:5:5\n", "dev", 1000).unused, 100000);
	CHECK_INT(parse(&arena, "bob:165536:65536\nann:100000:65536\n", "dev", 1000).unused,
		  231072);
	CHECK_INT(parse(&arena, "bob:4294900000:1\n", "dev", 1000).unused, 4294900001);
	CHECK_INT(parse(&arena, "bob:4294960000:1\n", "dev", 1000).unused, 0);
	arena_free(&arena);
}

TEST(reads_getsubids)
{
	struct arena arena = { 0 };
	struct subid subid;

	subid_parse_program(&arena, "0: dev 100000 65536\n1: dev 300000 10\n", &subid);
	CHECK_INT(subid.n, 2);
	check_range(&subid, 0, 100000, 65536);
	check_range(&subid, 1, 300000, 10);
	CHECK_STR(subid.source, "getsubids");
	subid_parse_program(&arena, "Error fetching ranges\n0: dev x 1\n0: dev 1\n0: dev 1 0\n",
			    &subid);
	CHECK_INT(subid.n, 0);
	arena_free(&arena);
}

TEST(finds_the_source)
{
	struct arena arena = { 0 };

	CHECK_STR(subid_parse_source(&arena, ""), NULL);
	CHECK_STR(subid_parse_source(&arena, "passwd: files sss\n"), NULL);
	CHECK_STR(subid_parse_source(&arena, "subid: files\n"), NULL);
	CHECK_STR(subid_parse_source(&arena, "subid:\tfiles sss\n"), NULL);
	CHECK_STR(subid_parse_source(&arena, "#subid: sss\n"), NULL);
	CHECK_STR(subid_parse_source(&arena, "subid:\nsubid: files\n"), NULL);
	CHECK_STR(subid_parse_source(&arena, "passwd: files\nsubid:     sss\n"), "sss");
	CHECK_STR(subid_parse_source(&arena, "SubID: sss files"), "sss");
	arena_free(&arena);
}

TEST(finds_what_is_not_covered)
{
	struct arena arena = { 0 };
	struct subid subid = parse(&arena, "dev:110:10\ndev:100:10\ndev:200:1\n", "dev", 1);
	uint32_t first = 0;

	CHECK(!idmap_find_missing(subid.v, subid.n, 100, 20, &first));
	CHECK(!idmap_find_missing(subid.v, subid.n, 200, 1, &first));
	CHECK(idmap_find_missing(subid.v, subid.n, 100, 21, &first));
	CHECK_INT(first, 120);
	CHECK(idmap_find_missing(subid.v, subid.n, 0, 1, &first));
	CHECK_INT(first, 0);
	CHECK(idmap_find_missing(subid.v, subid.n, 99, 4294967196, &first));
	CHECK_INT(first, 99);
	arena_free(&arena);
}

TEST(keeps_what_is_mapped)
{
	static const struct idmap_range here[] = { { 0, 1000, 1 }, { 150, 100000, 100 } };
	static struct idmap_range given[] = { { 0, 0, 2 }, { 0, 100, 100 }, { 0, 300, 5 } };
	const struct idmap map = { .v = here, .n = 2 }, none = { 0 };
	const struct subid subid = { .v = given, .n = 3, .source = SUBID_UID_FILE };
	struct subid kept = subid;
	struct arena arena = { 0 };

	subid_keep_mapped(&arena, &map, &kept);
	CHECK_INT(kept.n, 2);
	CHECK_INT(kept.v[0].outside, 0);
	CHECK_INT(kept.v[0].count, 1);
	CHECK_INT(kept.v[1].outside, 150);
	CHECK_INT(kept.v[1].count, 50);
	CHECK(kept.unmapped && !kept.missing);
	kept = subid;
	subid_keep_mapped(&arena, &none, &kept);
	CHECK_INT(kept.n, 0);
	CHECK(kept.unmapped && strstr(kept.missing, "not mapped"));
	arena_free(&arena);
}

TEST(finds_users)
{
	static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
				     "bad:x\n"
				     ":x:1000:1000::/:\n"
				     "dev:x:1000:1000::/home/dev:/bin/sh\n"
				     "bare:x:7\n"
				     "again:x:1000:1000::/home/dev:/bin/sh\n";
	struct arena arena = { 0 };
	struct passwd user;

	CHECK(passwd_find(&arena, passwd, 0, &user));
	CHECK_STR(user.name, "root");
	CHECK(passwd_find(&arena, passwd, 1000, &user));
	CHECK_STR(user.name, "dev");
	CHECK_STR(user.home, "/home/dev");
	CHECK_STR(user.shell, "/bin/sh");
	CHECK(passwd_find(&arena, passwd, 7, &user));
	CHECK_STR(user.home, NULL);
	CHECK_STR(user.shell, NULL);
	CHECK(!passwd_find(&arena, passwd, 1, &user));
	CHECK(!passwd_find(&arena, "", 0, &user));
	arena_free(&arena);
}

TEST(splits_lines_and_fields)
{
	const char *text = "a:bb:\n\nlast", *line, *field;
	size_t len;
	uint64_t number;

	CHECK(text_line(&text, &line, &len));
	CHECK_INT(len, 5);
	CHECK(text_field(line, len, ':', 1, &field, &len) && text_is(field, len, "bb"));
	CHECK(text_field(line, 5, ':', 2, &field, &len) && len == 0);
	CHECK(!text_field(line, 5, ':', 3, &field, &len));
	CHECK(text_line(&text, &line, &len) && len == 0);
	CHECK(text_line(&text, &line, &len) && text_is(line, len, "last"));
	CHECK(!text_line(&text, &line, &len));
	CHECK(text_field_number("a:18446744073709551615", 22, ':', 1, &number));
	CHECK(number == UINT64_MAX);
	CHECK(!text_field_number("a:18446744073709551616", 22, ':', 1, &number));
	CHECK(!text_field_number("a:00", 4, ':', 1, &number));
	CHECK(text_field_number("a:0", 3, ':', 1, &number) && number == 0);
}

TEST(words_of_a_program)
{
	struct arena arena = { 0 };

	CHECK_STR(text_of_program(&arena, "newuidmap: write failed: Operation not permitted\n"),
		  "newuidmap: write failed: operation not permitted");
	CHECK_STR(text_of_program(&arena, "a: Permission denied\nb: No such file or directory\n\n"),
		  "a: permission denied b: no such path");
	CHECK_STR(text_of_program(&arena, "\n"), "");
	CHECK_STR(text_of_program(&arena, ""), "");
	arena_free(&arena);
}
