/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/ps_host.h"
#include "tests/lib/check.h"

#include <string.h>

static const pid_t pids[] = { 7, 4242 };

static int filter(const char *text, struct str *out, struct err *err)
{
	char copy[512];

	(void)strcpy(copy, text);
	return ps_host_filter(copy, pids, 2, out, err);
}

TEST(lines_are_picked_by_the_pid_column)
{
	_cleanup_str_ struct str out = { 0 };
	struct err err = { 0 };

	CHECK_INT(filter("UID          PID    PPID CMD\n"
			 "root           1       0 init 7\n"
			 "root           7       1 sh\n"
			 "root           8       7 sh\n"
			 "\n"
			 "u           4242       7 sleep 10\n",
			 &out, &err),
		  0);
	CHECK_STR(out.s, "UID          PID    PPID CMD\n"
			 "root           7       1 sh\n"
			 "u           4242       7 sleep 10\n");
}

TEST(a_column_at_the_edge)
{
	_cleanup_str_ struct str out = { 0 };
	struct err err = { 0 };

	CHECK_INT(filter("  PID\n    7\n   77\n", &out, &err), 0);
	CHECK_STR(out.s, "  PID\n    7\n");
}

TEST(no_column)
{
	_cleanup_str_ struct str out = { 0 };
	struct err err = { 0 };

	CHECK_ERR(filter("PPID CMD\n7 sh\n", &out, &err), &err,
		  "couldn't find PID field in ps output");
	CHECK_ERR(filter("", &out, &err), &err, "couldn't find PID field");
	CHECK_INT(out.len, 0);
}
