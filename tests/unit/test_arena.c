/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/arena.h"
#include "tests/lib/check.h"

#include <string.h>

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

TEST(an_array_grows)
{
	struct arena arena = { 0 };
	int old[] = { 1, 2, 3 }, *v = arena_grow(&arena, old, 3, 10, sizeof(*v));

	CHECK_INT(v[2], 3);
	CHECK_INT(v[9], 0);
	arena_free(&arena);
}
