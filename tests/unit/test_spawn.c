/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that never stop talking do not keep who waits for them. */
#include "src/base/clock.h"
#include "src/sys/spawn.h"
#include "tests/lib/check.h"

#include <string.h>
#include <sys/wait.h>

enum { SHORT_MS = 200, LONG_MS = 5000 };

static struct spawn_result run(const char *script, int timeout_ms)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
	const struct spawn_request request = {
		.path = "/bin/sh",
		.argv = argv,
		.env = env,
		.timeout_ms = timeout_ms,
		.cwd_fd = -1,
		.output_fd = -1,
		.error_fd = -1,
	};
	long long start = clock_now();
	struct spawn_result result;
	struct err err = { 0 };

	CHECK_INT(spawn_run(&request, &result, &err), 0);
	CHECK(clock_now() - start < LONG_MS);
	return result;
}

TEST(the_last_words_are_kept)
{
	struct spawn_result result = run("printf first; echo last >&2; exit 3", LONG_MS);

	CHECK_INT(WEXITSTATUS(result.status), 3);
	CHECK(!result.timed_out);
	CHECK_STR(result.words, "firstlast\n");
	result = run("i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i + 1)); done", LONG_MS);
	CHECK_INT(result.status, 0);
	CHECK_INT(strlen(result.words), sizeof(result.words) - 1);
	CHECK_STR(result.words + strlen(result.words) - strlen("\n2999\n"), "\n2999\n");
}

TEST(the_time_ends_for_one_that_never_stops_talking)
{
	struct spawn_result result = run("yes & yes & yes & exec yes", SHORT_MS);

	CHECK(result.timed_out);
	CHECK(WIFSIGNALED(result.status) && WTERMSIG(result.status) == SIGKILL);
}

TEST(what_a_program_leaves_behind_may_go_on_talking)
{
	struct spawn_result result = run("yes & yes & yes & yes & exit 0", LONG_MS);

	CHECK(!result.timed_out);
	CHECK_INT(result.status, 0);
}
