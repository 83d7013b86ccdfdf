/* SPDX-License-Identifier: Apache-2.0 */
/* Whose end is waited for, who is killed, and who is not. */
#include "src/sys/child.h"
#include "tests/lib/check.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG_MS = 5000 };

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
	child_kill_group(&child); /* group 0 would be this program's own */
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
