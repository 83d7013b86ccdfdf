/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/arena.h"
#include "src/base/clock.h"
#include "src/base/elf.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "tests/lib/check.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(memory_is_zeroed_and_aligned)
{
	struct arena arena = { 0 };

	for (size_t size = 1; size < 40000; size = size * 3 + 1) {
		char *p = arena_alloc(&arena, size);

		CHECK_ZEROED(p, size);
		memset(p, 0xff, size);
	}
	arena_free(&arena);
}

TEST(texts_are_copied)
{
	struct arena arena = { 0 };

	CHECK_STR(arena_strndup(&arena, "abcdef", 3), "abc");
	CHECK_STR(arena_strf(&arena, "%d-%s", 7, "x"), "7-x");
	CHECK(arena_strdup(&arena, NULL) == NULL);
	arena_free(&arena);
	CHECK_STR(arena_strdup(&arena, "again"), "again");
	arena_free(&arena);
}

TEST(a_reset_arena_serves_again)
{
	struct arena arena = { 0 };
	char *first = arena_strdup(&arena, "touched"), *again;

	arena_reset(&arena);
	again = arena_alloc(&arena, 8);
	CHECK(again == first);
	CHECK_STR(again, "");
	(void)arena_alloc(&arena, 100000); /* more than a block: all of it is given back */
	arena_reset(&arena);
	CHECK(!arena.blocks);
	arena_reset(&arena);
}

TEST(an_array_grows)
{
	struct arena arena = { 0 };
	int old[] = { 1, 2, 3 }, *v = arena_grow(&arena, old, 3, 10, sizeof(*v));

	CHECK_INT(v[2], 3);
	CHECK_INT(v[9], 0);
	arena_free(&arena);
}

TEST(a_text_grows)
{
	struct str s = { 0 };

	CHECK_STR(str_text(&s), "");
	for (int i = 0; i < 1000; i++)
		str_addf(&s, "%d,", i);
	CHECK_INT(s.len, 3890);
	CHECK_INT(strlen(s.s), 3890);
	str_done(&s);
	CHECK(s.s == NULL);
}

TEST(environment_the_last_one_wins)
{
	const char *const env[] = { "A=1", "AB=2", "A=3", "B=" };

	CHECK_STR(str_env_find(env, 4, "A"), "3");
	CHECK_STR(str_env_find(env, 4, "AB"), "2");
	CHECK_STR(str_env_find(env, 4, "B"), "");
	CHECK(str_env_find(env, 4, "C") == NULL);
}

TEST(questions)
{
	CHECK(str_equal("a", "a"));
	CHECK(!str_equal("a", NULL));
	CHECK(str_equal(NULL, NULL));
	CHECK(str_starts("abc", "ab") && !str_starts("a", "ab"));
	CHECK(str_ends("abc", "bc") && !str_ends("c", "bc"));
}

TEST(paths_are_folded)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "/", "/" },           { "", "/" },
		{ "a", "/a" },          { "/a//b/./c/", "/a/b/c" },
		{ "/a/../b", "/b" },    { "/../../b", "/b" },
		{ "..", "/" },          { "/a/b/../..", "/" },
		{ "/a/..b", "/a/..b" }, { "/a/b/../../../c", "/c" },
		{ "./x", "/x" },        { "/...", "/..." },
	};
	struct arena arena = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_STR(path_clean(&arena, cases[i].in), cases[i].out);
	arena_free(&arena);
}

TEST(joins_and_questions)
{
	struct arena arena = { 0 };

	CHECK_STR(path_join(&arena, "/a", "b"), "/a/b");
	CHECK_STR(path_join(&arena, "/a/", "b"), "/a/b");
	CHECK_STR(path_join(&arena, "/a", "/b"), "/b");
	CHECK_STR(path_join(&arena, NULL, "/b"), "/b");
	CHECK(path_is_below("/proc/sys", "/proc"));
	CHECK(path_is_below("/proc", "/proc"));
	CHECK(!path_is_below("/process", "/proc"));
	CHECK(path_is_below("/x", "/"));
	CHECK(path_has_dotdot("/a/../b"));
	CHECK(path_has_dotdot(".."));
	CHECK(!path_has_dotdot("/a/..b"));
	CHECK_STR(path_base("/a/b"), "b");
	CHECK_STR(path_base("b"), "b");
	arena_free(&arena);
}

TEST(unsigned_numbers)
{
	uint64_t v = 5;

	CHECK_INT(parse_u64("18446744073709551615", &v), 0);
	CHECK(v == UINT64_MAX);
	CHECK_INT(parse_u64("18446744073709551616", &v), -ERANGE);
	CHECK_INT(parse_u64("", &v), -EINVAL);
	CHECK_INT(parse_u64("-1", &v), -EINVAL);
	CHECK_INT(parse_u64(" 1", &v), -EINVAL);
	CHECK_INT(parse_u64("1x", &v), -EINVAL);
	CHECK_INT(parse_u64("0x10", &v), -EINVAL);
	CHECK(v == UINT64_MAX);
}

TEST(signed_numbers)
{
	int64_t v = 0;
	int i = 0;

	CHECK_INT(parse_i64("-9223372036854775808", &v), 0);
	CHECK(v == INT64_MIN);
	CHECK_INT(parse_i64("9223372036854775808", &v), -ERANGE);
	CHECK_INT(parse_i64("--1", &v), -EINVAL);
	CHECK_INT(parse_int("-2147483649", &i), -ERANGE);
	CHECK_INT(parse_int("-7", &i), 0);
	CHECK_INT(i, -7);
}

/* 2^32-1 means "no change" to setresuid(2): a container asked to run as it would stay root. */
TEST(ids_stop_before_minus_one)
{
	uint32_t id = 1;

	CHECK_INT(parse_id("4294967294", &id), 0);
	CHECK_INT(id, 4294967294);
	CHECK_INT(parse_id("4294967295", &id), -ERANGE);
	CHECK_INT(parse_id("4294967296", &id), -ERANGE);
	CHECK_INT(parse_id("-1", &id), -EINVAL);
}

static void same(int64_t seconds)
{
	struct tm got = { 0 }, wanted = { 0 };
	time_t t = (time_t)seconds;

	clock_utc(seconds, &got);
	(void)gmtime_r(&t, &wanted);
	CHECK_INT(got.tm_year, wanted.tm_year);
	CHECK_INT(got.tm_mon, wanted.tm_mon);
	CHECK_INT(got.tm_mday, wanted.tm_mday);
	CHECK_INT(got.tm_hour, wanted.tm_hour);
	CHECK_INT(got.tm_min, wanted.tm_min);
	CHECK_INT(got.tm_sec, wanted.tm_sec);
}

TEST(every_day_of_five_centuries_is_that_of_the_c_library)
{
	for (int64_t day = -100 * 366; day < 400 * 366; day++)
		same(day * 86400 + (day & 1 ? 86399 : 0));
}

TEST(every_hour_of_a_leap_day)
{
	for (int64_t second = 1709164800; second < 1709164800 + 2 * 86400; second += 1799)
		same(second);
}

TEST(a_loader_is_found_in_both_kinds_of_elf)
{
	const unsigned char own =
		__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? ELFDATA2MSB : ELFDATA2LSB;
	struct {
		Elf32_Ehdr head;
		Elf32_Phdr parts[2];
		char loader[24];
	} narrow = { { { 0x7f, 'E', 'L', 'F', ELFCLASS32, own }, .e_phoff = 52, .e_phnum = 2 },
		     { { .p_type = PT_PHDR }, { .p_type = PT_INTERP, .p_offset = 52 + 2 * 32 } },
		     "/lib/ld-linux.so.2" };
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr part;
		char loader[24];
	} wide = { { { 0x7f, 'E', 'L', 'F', ELFCLASS64, own }, .e_phoff = 64, .e_phnum = 1 },
		   { .p_type = PT_INTERP, .p_offset = 64 + 56 },
		   "/lib64/ld.so.2" };

	CHECK_STR(elf_loader((const char *)&narrow, sizeof(narrow)), "/lib/ld-linux.so.2");
	CHECK_STR(elf_loader((const char *)&wide, sizeof(wide)), "/lib64/ld.so.2");
	/* Beyond what was read, without an end, and in the other order. */
	CHECK(!elf_loader((const char *)&narrow, sizeof(narrow) - sizeof(narrow.loader) - 1));
	CHECK(!elf_loader((const char *)&wide, sizeof(wide) - sizeof(wide.loader) + 3));
	wide.head.e_phoff = UINT64_MAX;
	CHECK(!elf_loader((const char *)&wide, sizeof(wide)));
	narrow.head.e_ident[EI_DATA] = own == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
	CHECK(!elf_loader((const char *)&narrow, sizeof(narrow)));
}

/* A user of a large directory service may be in hundreds of them. */
TEST(status_is_read_without_groups)
{
	const char *head = "Name:\tSigIgn:\tff\nState:\tS (sleeping)\nGroups:\t",
		   *tail = "\nNSpid:\t70\t1\nSigIgn:\t0000000000001000\nGroupsX:\t1\n";
	struct io_status status = { .len = 0 };

	io_status_add(&status, head, strlen(head));
	for (int i = 0; i < 65536; i++)
		io_status_add(&status, "1000000000 ", 11);
	for (const char *p = tail; *p; p++)
		io_status_add(&status, p, 1);
	CHECK(str_starts(io_status_field(&status, "State"), "S (sleeping)\n"));
	CHECK(str_starts(io_status_field(&status, "NSpid"), "70\t1\n"));
	CHECK(str_starts(io_status_field(&status, "SigIgn"), "0000000000001000\n"));
	CHECK(str_starts(io_status_field(&status, "GroupsX"), "1\n"));
	CHECK(!io_status_field(&status, "SigCgt"));
	CHECK_INT(io_read_status(0, &status), 0);
	CHECK(io_status_field(&status, "SigCgt"));
	CHECK_INT(io_read_status(INT_MAX, &status), -ENOENT);
}

TEST(files_are_replaced_and_read_with_a_limit)
{
	char dir[] = "/tmp/usrun-test-io-XXXXXX";
	struct arena arena = { 0 };
	struct err err = { 0 };
	_cleanup_close_ int fd = -1;
	struct stat st;
	char *text;
	size_t len;

	CHECK(mkdtemp(dir) != NULL);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_INT(io_replace_file(fd, "f", "one", 3, 0600, &err), 0);
	CHECK_INT(io_replace_file(fd, "f", "second", 6, 0600, &err), 0);
	CHECK_INT(fstatat(fd, "f", &st, 0), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK_INT(io_read_file(fd, "f", 6, &arena, &text, &len, &err), 0);
	CHECK_STR(text, "second");
	CHECK_ERR(io_read_file(fd, "f", 5, &arena, &text, &len, &err), &err, "larger than 5 bytes");
	CHECK_ERR(io_read_file(fd, "g", 5, &arena, &text, &len, &err), &err, "no such path");
	/* With 32 bits of it the size would be one that is allowed. */
	CHECK_INT(truncate(arena_strf(&arena, "%s/f", dir), (1LL << 32) + 3), 0);
	CHECK_ERR(io_read_file(fd, "f", 5, &arena, &text, &len, &err), &err, "larger than 5 bytes");
	/* What others may have put where a temporary file would be guessed. */
	CHECK_INT(mkfifoat(fd, ".f.new", 0666), 0);
	CHECK_INT(io_replace_file(fd, "f", "third", 5, 0600, &err), 0);
	CHECK_INT(io_read_file(fd, "f", 6, &arena, &text, &len, &err), 0);
	CHECK_STR(text, "third");
	CHECK_INT(unlinkat(fd, ".f.new", 0), 0);
	CHECK_ERR(io_replace_file(fd, "no/such", "x", 1, 0600, &err), &err,
		  "create a file for no/such");
	/* What is in the place of the file goes; what it leads to stays. */
	CHECK_INT(unlinkat(fd, "f", 0), 0);
	CHECK_INT(symlinkat("target", fd, "f"), 0);
	CHECK_INT(io_replace_file(fd, "f", "new", 3, 0600, &err), 0);
	CHECK(faccessat(fd, "target", F_OK, 0) < 0);
	CHECK_INT(unlinkat(fd, "f", 0), 0);
	CHECK_INT(rmdir(dir), 0);
	arena_free(&arena);
}

/* Of ENOENT clients read the usual words as "the user's command". */
TEST(words_of_an_errno)
{
	CHECK_STR(err_why(EPERM), "operation not permitted");
	CHECK_STR(err_why(EACCES), "permission denied");
	CHECK_STR(err_why(EINVAL), "invalid argument");
	CHECK(strstr(err_why(EIO), "I/O") || strstr(err_why(EIO), "input"));
	CHECK_STR(err_why(ENOENT), "no such path");
	CHECK(!strstr(err_why(ENOENT), "no such file") && !strstr(err_why(ENOENT), "not found"));
}

TEST(errors_keep_their_parts)
{
	struct err err = { 0 };

	CHECK_INT(err_errno(&err, EBUSY, "do %s", "this"), -EBUSY);
	CHECK_STR(err.text, "do this: device or resource busy");
	CHECK_INT(err_prefix(&err, "first"), -EBUSY);
	CHECK_STR(err.text, "first: do this: device or resource busy");
	err_hint(&err, "special");
	err_hint(&err, "general");
	CHECK_STR(err.hint, "special");
	CHECK_INT(err_set(&err, 0, "x"), -EINVAL);
	CHECK_STR(err.hint, "");
}
