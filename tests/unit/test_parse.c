/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/parse.h"
#include "tests/lib/check.h"

#include <limits.h>

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
