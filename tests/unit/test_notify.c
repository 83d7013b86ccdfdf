/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager hears from a container. */
#include "src/run/notify.h"
#include "tests/lib/check.h"

#include <string.h>

static void check(const char *text, int has_fd, const char *wanted)
{
	char buf[256] = "";
	size_t len;

	(void)strncpy(buf, text, sizeof(buf) - 1);
	len = notify_filter(buf, has_fd);
	buf[len] = '\0';
	CHECK_STR(buf, wanted);
}

TEST(what_it_may_believe_is_kept)
{
	check("READY=1", 0, "READY=1\n");
	check("READY=1\nSTATUS=up and well\nMAINPID=7\n", 0, "READY=1\nSTATUS=up and well\n");
	check("RELOADING=1\nMONOTONIC_USEC=5\n", 0, "RELOADING=1\nMONOTONIC_USEC=5\n");
	check("WATCHDOG=1\n\n\nSTOPPING=1", 0, "WATCHDOG=1\nSTOPPING=1\n");
}

TEST(the_rest_is_dropped)
{
	check("", 0, "");
	check("\n\n", 0, "");
	check("MAINPID=1", 0, "");
	check("FDSTORE=1\nFDNAME=x", 1, "");
	check("XREADY=1", 0, "");
	check(" READY=1", 0, "");
	check("ready", 0, "");
}

TEST(a_barrier_has_a_descriptor)
{
	check("BARRIER=1", 0, "");
	check("BARRIER=1", 1, "BARRIER=1\n");
	check("BARRIER=2", 1, "");
}
