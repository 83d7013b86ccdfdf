/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/str.h"
#include "tests/lib/check.h"

#include <string.h>

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
