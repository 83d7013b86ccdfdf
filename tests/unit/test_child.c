/* SPDX-License-Identifier: Apache-2.0 */
/* Whose end is waited for, who is killed, and who is not. */
#include "src/base/clock.h"
#include "src/sys/child.h"
#include "src/sys/spawn.h"
#include "tests/lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHORT_MS = 200, LONG_MS = 60000, PASSED = 0, FAILED = 1, LACKING = 2 };

static struct child fork_one(int status)
{
	const struct clone_request plain = { .cgroup_fd = -1 };
	struct child child = CHILD_NONE;

	if (child_clone(&plain, &child) == 0) {
		while (status < 0)
			(void)pause();
		_exit(status);
	}
	CHECK(child_is_there(&child));
	CHECK(child.pidfd >= 0);
	return child;
}

TEST(an_end_is_seen_and_then_reaped)
{
	struct child child = fork_one(7);
	int status = 0;
	siginfo_t info;

	CHECK_INT(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_INT(child_has_ended(&child, &status), 1);
	CHECK_INT(WEXITSTATUS(status), 7);
	CHECK(child_is_there(&child));
	status = 0;
	CHECK_INT(child_reap(&child, LONG_MS, &status), 0);
	CHECK_INT(WEXITSTATUS(status), 7);
	CHECK(!child_is_there(&child));
	CHECK_INT(child.pidfd, -1);
}

TEST(one_that_lives_is_ended)
{
	struct child child = fork_one(-1);
	int status = 0;

	CHECK_INT(child_has_ended(&child, &status), 0);
	CHECK_INT(child_reap(&child, 0, &status), -ETIMEDOUT);
	CHECK_INT(child_signal(&child, SIGTERM), 0);
	CHECK_INT(child_reap(&child, LONG_MS, &status), 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	child = fork_one(-1);
	CHECK_INT(child_end(&child, LONG_MS), 0);
	CHECK(!child_is_there(&child));
}

/* Its number may be a stranger's: nothing is done by it any more. */
TEST(one_that_was_reaped_is_left_alone)
{
	struct child child = fork_one(0), stranger = fork_one(-1);
	int status = 0;

	CHECK_INT(child_reap(&child, LONG_MS, NULL), 0);
	CHECK_INT(child_signal(&child, SIGKILL), -ESRCH);
	CHECK_INT(child_has_ended(&child, &status), -ECHILD);
	CHECK_INT(child_reap(&child, 0, NULL), -ECHILD);
	CHECK_INT(child_end(&child, LONG_MS), 0);
	child_signal_group(&child, SIGKILL); /* group 0 would be this program's own */
	CHECK_INT(child_has_ended(&stranger, &status), 0);
	CHECK_INT(child_end(&stranger, LONG_MS), 0);
}

TEST(only_a_child_is_adopted)
{
	struct child child = fork_one(-1), again = CHILD_NONE;

	CHECK_INT(child_adopt(0, &again), -ECHILD);
	CHECK_INT(child_adopt(-1, &again), -ECHILD);
	CHECK_INT(child_adopt(1, &again), -ECHILD);
	CHECK_INT(child_adopt(getppid(), &again), -ECHILD);
	CHECK_INT(child_adopt(getpid(), &again), -ECHILD);
	CHECK(!child_is_there(&again));
	CHECK_INT(child_adopt(child.pid, &again), 0);
	CHECK_INT(again.pid, child.pid);
	CHECK_INT(child_end(&again, LONG_MS), 0);
	CHECK_INT(child_adopt(child.pid, &again), -ECHILD);
	(void)close(child.pidfd);
}

/* Programs that never stop talking do not keep who waits for them. */

static struct spawn_result run_program(const char *path, const char *script, int timeout_ms)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
	const struct spawn_request request = {
		.path = path,
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

static struct spawn_result run(const char *script, int timeout_ms)
{
	return run_program("/bin/sh", script, timeout_ms);
}

TEST(the_last_words_are_kept)
{
	struct spawn_result result = run("printf first; echo last >&2; exit 3", LONG_MS);

	CHECK_INT(WEXITSTATUS(result.status), 3);
	CHECK(!result.timed_out);
	CHECK_STR(result.words, "firstlast");
	result = run("i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i + 1)); done", LONG_MS);
	CHECK_INT(result.status, 0);
	CHECK_INT(strlen(result.words), sizeof(result.words) - 2);
	CHECK_STR(result.words + strlen(result.words) - strlen(" 2999"), " 2999");
	result = run("printf '\\n one\\n\\n\ttwo \\n\\n'", LONG_MS);
	CHECK_STR(result.words, "one two");
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

/* A file system whose server never answers, in a mount namespace of its own. */
static int hang(const char *dir)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char data[64], path[64];
	struct spawn_result result;

	(void)snprintf(data, sizeof(data), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("silent", dir, "fuse", 0, data) < 0)
		return LACKING;
	(void)snprintf(path, sizeof(path), "%s/program", dir);
	result = run_program(path, "true", SHORT_MS);
	return result.timed_out && WIFSIGNALED(result.status) ? PASSED : FAILED;
}

TEST(the_time_ends_for_one_that_cannot_even_be_executed)
{
	char dir[] = "/tmp/usrun-test-spawn-XXXXXX";
	int status = -1;
	pid_t pid;

	CHECK(mkdtemp(dir) != NULL);
	pid = fork();
	if (pid == 0)
		_exit(hang(dir));
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(rmdir(dir), 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == LACKING)
		(void)puts("passed over: needs /dev/fuse, and the right to mount");
	else
		CHECK_INT(status, PASSED);
}

/* strace -f: waits for the end of its tracee a while after that has ended. */
static void trace(pid_t pid, int ready)
{
	siginfo_t info;
	const char *answer = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 ? "y\n" : "n\n";

	(void)!write(ready, answer, 2);
	(void)waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	(void)usleep(200 * 1000);
	_exit(0); /* which lets it go */
}

/* A program that says who it is, and goes on when somebody traces it. */
TEST(a_program_that_is_traced_ends_as_it_did)
{
	const struct clone_request plain = { .cgroup_fd = -1 };
	struct child tracer = CHILD_NONE;
	struct spawn_result result;
	int pid[2], ready[2];
	char script[128], word[16] = "";

	CHECK_INT(pipe(pid), 0);
	CHECK_INT(pipe(ready), 0);
	(void)snprintf(script, sizeof(script),
		       "echo $$ >/proc/%d/fd/%d; read -r answer </proc/%d/fd/%d; exit 3",
		       (int)getpid(), pid[1], (int)getpid(), ready[0]);
	if (child_clone(&plain, &tracer) == 0) {
		(void)!read(pid[0], word, sizeof(word) - 1);
		trace((pid_t)strtol(word, NULL, 10), ready[1]);
	}
	result = run(script, LONG_MS);
	CHECK(!result.timed_out);
	CHECK(WIFEXITED(result.status) && WEXITSTATUS(result.status) == 3);
	CHECK_INT(child_end(&tracer, LONG_MS), 0);
}

/* The last one: it may be skipped. */
TEST(one_that_is_traced_is_reaped_when_it_is_let_go)
{
	const struct clone_request plain = { .cgroup_fd = -1 };
	struct child traced = CHILD_NONE, tracer = CHILD_NONE;
	int ready[2], status = 0;
	char answer = 'n';

	CHECK_INT(pipe(ready), 0);
	if (child_clone(&plain, &traced) == 0) {
		(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
		(void)!write(ready[1], "", 1);
		for (;;)
			(void)pause();
	}
	CHECK_INT(read(ready[0], &answer, 1), 1);
	if (child_clone(&plain, &tracer) == 0)
		trace(traced.pid, ready[1]);
	CHECK_INT(read(ready[0], &answer, 1), 1);
	CHECK_INT(child_signal(&traced, SIGKILL), 0);
	CHECK_INT(child_reap(&traced, LONG_MS, &status), 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK_INT(child_end(&tracer, LONG_MS), 0);
	if (answer != 'y')
		SKIP("nobody may trace here");
}
