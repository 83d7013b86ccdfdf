/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/state/status.h"
#include "tests/lib/check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct state of_pid(pid_t pid, int phase)
{
	return (struct state){ .id = "x",
			       .phase = phase,
			       .pid = { true, pid },
			       .start_time = { true, status_start_time(pid) },
			       .cgroup_driver = CGROUP_DRIVER_NONE + 1 };
}

TEST(derived_from_the_process)
{
	struct state state = of_pid(getpid(), STATE_STARTED);
	_cleanup_close_ int pidfd = -1;

	CHECK_INT(status_of(&state, &pidfd), STATUS_RUNNING);
	CHECK(pidfd >= 0);
	state.phase = STATE_CREATED;
	CHECK_INT(status_of(&state, NULL), STATUS_CREATED);
	state.start_time.v++; /* another process has that pid now */
	fd_closep(&pidfd);
	CHECK_INT(status_of(&state, &pidfd), STATUS_STOPPED);
	CHECK_INT(pidfd, -1);
	state = (struct state){ .phase = STATE_CREATING };
	CHECK_INT(status_of(&state, NULL), STATUS_CREATING);
}

TEST(a_zombie_is_stopped)
{
	struct state state;
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		(void)pause();
	state = of_pid(pid, STATE_STARTED);
	CHECK_INT(status_of(&state, NULL), STATUS_RUNNING);
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_INT(status_of(&state, NULL), STATUS_STOPPED);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_INT(status_of(&state, NULL), STATUS_STOPPED);
}
