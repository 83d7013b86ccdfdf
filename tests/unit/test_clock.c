/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/clock.h"
#include "tests/lib/check.h"

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
