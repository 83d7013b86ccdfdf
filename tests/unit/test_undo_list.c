/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/state/status.h"
#include "src/state/undo_list.h"
#include "tests/lib/check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;

/* The same list serves a failed start and delete: it ends the process and removes the directory. */
TEST(takes_back_what_is_there)
{
	static const char *undo[] = { "state-reserve", "cgroup-create", "of-a-newer-version",
				      "spawn" };
	char root[] = "/tmp/usrun-test-undo-XXXXXX";
	struct state state = { .id = "c1",
			       .phase = STATE_STARTED,
			       .cgroup.kind = CGROUP_DRIVER_NONE };
	struct err err = { 0 };
	struct store *store;
	int dir, status = 0;
	pid_t pid;

	state.undo.v = undo;
	state.undo.n = 4;
	CHECK(mkdtemp(root) != NULL);
	CHECK_INT(store_open(root, true, &arena, &store, &err), 0);
	dir = store_reserve(store, "c1", NULL, &err);
	CHECK(dir >= 0);
	fd_closep(&dir);
	pid = fork();
	if (pid == 0)
		(void)pause();
	state.pid = (struct json_int){ true, pid };
	state.start_time.set = true;
	CHECK_INT(status_start_time(pid, &state.start_time.v, &err), 0);
	CHECK_INT(undo_list_run(store, &state, &err), 0);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(store_open_container(store, "c1", &err) == -ENOENT);
	CHECK_INT(undo_list_run(store, &state, &err), 0); /* once more is no error */
	store_close(store);
	CHECK_INT(rmdir(root), 0);
}
