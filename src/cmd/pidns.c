/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/pidns.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/str.h"
#include "src/state/status.h"
#include "src/steps/start.h"
#include "src/sys/pidfd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { SETTLE_MS = 2000 };

bool pidns_is_own(const struct state *state)
{
	for (size_t i = 0; i < state->namespaces.n; i++)
		if (str_equal(state->namespaces.v[i], "pid"))
			return true;
	return false;
}

static bool look(int proc, pid_t pid, struct stat *ret)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "%d/ns/pid", (int)pid);
	return fstatat(proc, path, ret, 0) == 0;
}

static bool is_inside(int proc, pid_t pid, const struct stat *ns)
{
	struct stat st;

	return look(proc, pid, &st) && st.st_ino == ns->st_ino && st.st_dev == ns->st_dev;
}

/* Between its start and its exec, init shows nobody its namespaces. */
static int look_at_init(int proc, pid_t init, struct stat *ret)
{
	long long deadline = clock_now() + SETTLE_MS;
	int r;

	do
		r = look(proc, init, ret) ? 0 : -errno;
	while (r < 0 && start_target_settles(r, init, deadline));
	return r;
}

int pidns_pids(struct arena *arena, pid_t init, pid_t **ret, size_t *ret_n, struct err *err)
{
	DIR *proc = opendir("/proc");
	size_t cap = 0, n = 0;
	struct dirent *entry;
	pid_t *pids = NULL;
	struct stat ns;
	uint32_t pid;
	int r;

	*ret = NULL;
	*ret_n = 0;
	if (!proc)
		return err_errno(err, errno, "open /proc");
	r = look_at_init(dirfd(proc), init, &ns);
	if (r < 0) {
		(void)closedir(proc);
		/* It has exited, and its namespace is gone; a process that is just exiting may be
		 * hidden from its user. */
		if (r == -ENOENT || r == -ESRCH || status_is_dying(init))
			return 0;
		return err_errno(err, -r, "stat /proc/%d/ns/pid", (int)init);
	}
	while ((entry = io_next_entry(proc, &r))) {
		if (parse_u32(entry->d_name, &pid) < 0 || !is_inside(dirfd(proc), (pid_t)pid, &ns))
			continue;
		pids = arena_room(arena, pids, n, &cap, sizeof(*pids));
		pids[n++] = (pid_t)pid;
	}
	(void)closedir(proc);
	if (r < 0)
		return err_errno(err, -r, "list /proc");
	*ret = pids;
	*ret_n = n;
	return 0;
}

int pidns_signal(struct arena *arena, pid_t init, int signal, struct err *err)
{
	_cleanup_close_ int proc = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat ns;
	pid_t *pids;
	size_t n;
	int r = pidns_pids(arena, init, &pids, &n, err);

	if (r == 0 && proc < 0)
		r = err_errno(err, errno, "open /proc");
	if (r < 0 || n == 0 || !look(proc, init, &ns))
		return r;
	for (size_t i = 0; i < n; i++) {
		_cleanup_close_ int pidfd = pidfd_open_process(pids[i]);

		/* The number may have been reused; the descriptor cannot be. */
		if (pidfd < 0 && pidfd != -ESRCH)
			return err_errno(err, -pidfd, "open process %d", (int)pids[i]);
		if (pidfd < 0 || !is_inside(proc, pids[i], &ns))
			continue;
		r = pidfd_signal(pidfd, signal);
		if (r < 0 && r != -ESRCH)
			return err_errno(err, -r, "send signal %d to process %d", signal,
					 (int)pids[i]);
	}
	return 0;
}
