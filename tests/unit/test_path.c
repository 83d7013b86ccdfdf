/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/path.h"
#include "tests/lib/check.h"

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
