/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/stats_text.h"
#include "tests/lib/check.h"

static const struct stats_sample before[] = { { "a", 100, 1000, 0, 0, 0, 0 },
					      { "b", 900, 1000, 0, 0, 0, 0 } };

TEST(percent_of_the_time_between)
{
	struct stats_sample a = { "a", 350, 2000, 0, 0, 0, 0 },
			    c = { "c", 50, 2000, 1900, 0, 0, 0 };
	struct stats_sample again = { "b", 10, 2000, 1980, 0, 0, 0 };
	struct stats_sample no_time = { "d", 10, 5, 5, 0, 0, 0 };

	CHECK_INT(stats_text_percent(&a, before, 2), 2500);
	CHECK_INT(stats_text_percent(&c, before, 2), 5000);
	CHECK_INT(stats_text_percent(&again, before, 2), 5000);
	CHECK_INT(stats_text_percent(&no_time, before, 2), 0);
	CHECK_INT(stats_text_percent(&a, NULL, 0), 1750);
}

TEST(table)
{
	static const struct stats_sample v[] = {
		{ "web", 20, 1000, 0, 3 << 20, 64 << 20, 2 },
		{ "database", 2005, 1000, 0, 1536, UINT64_MAX, 31 },
	};
	struct str out = { 0 };

	stats_text_table(&out, v, 2, NULL, 0);
	CHECK_STR(str_text(&out), "ID           CPU %      MEMORY       LIMIT  PIDS\n"
				  "web           2.00     3.0 MiB    64.0 MiB  2\n"
				  "database    200.50     1.5 KiB           -  31\n");
	str_done(&out);
}
