/* SPDX-License-Identifier: Apache-2.0 */
/* The bars of a trace: what was long is long, and nothing leaves the line. */
#include "src/run/trace.h"

#include "tests/lib/check.h"

#include <string.h>

static struct arena arena;
static struct err err;

static const char *bars(const char *events, size_t width)
{
	static char all[4096];
	const char *text = arena_strf(&arena, "{\"traceEvents\":[%s]}", events);
	struct str out = { 0 };
	int r = trace_bars(&arena, "t", text, strlen(text), width, &out, &err);

	CHECK_INT(r, 0);
	(void)strncpy(all, str_text(&out), sizeof(all) - 1);
	str_done(&out);
	return all;
}

#define EVENT(name, begin, length, more)                                                           \
	"{\"name\":\"" name "\",\"ts\":1.5,\"args\":{\"process\":\"init\",\"beginNs\":" begin      \
	",\"lengthNs\":" length more "}}"

TEST(bars_have_their_length)
{
	CHECK_STR(
		bars(EVENT("mounts", "0", "1500000", "") "," EVENT("exec", "1500000", "500000",
								   ",\"unfinished\":true"),
		     78),
		"process and step                  ms  2.000 in all\n"
		"init   mounts                  1.500 |##############################\n"
		"init   exec                    0.500 |                              ..........\n");
	CHECK(strstr(bars(EVENT("cwd", "9", "1", ",\"error\":\"no\""), 10), "# failed\n") != NULL);
	arena_free(&arena);
}

TEST(what_is_no_step_is_left_out)
{
	CHECK_STR(bars("{\"name\":\"process_name\",\"args\":{\"name\":\"init\"}},{},{\"args\":{}}",
		       80),
		  "process and step                  ms  0.000 in all\n");
	CHECK_STR(bars("", 80), "process and step                  ms  0.000 in all\n");
	arena_free(&arena);
}

TEST(no_number_is_too_large)
{
	CHECK(strlen(bars(EVENT("a", "9000000000000000000", "9000000000000000000",
				"") "," EVENT("b", "0", "9223372036854775807", ""),
			  80)) < 400);
	arena_free(&arena);
}

TEST(what_is_no_trace_is_refused)
{
	struct str out = { 0 };

	CHECK_ERR(trace_bars(&arena, "t", "{}", 2, 80, &out, &err), &err, "traceEvents");
	CHECK_ERR(trace_bars(&arena, "t", "[]", 2, 80, &out, &err), &err, "expected an object");
	str_done(&out);
	arena_free(&arena);
}
