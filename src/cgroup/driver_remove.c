/* SPDX-License-Identifier: Apache-2.0 */
/* Removal: kill, wait for the end of each process, rmdir from the leaves up. */
#include "src/cgroup/driver_priv.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/sys/pidfd.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MS = 5000, MAX_DEPTH = 32 };

static long long now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Until none of the listed processes is left; a new one means another round of killing. */
static int empty(const struct cgroup *cgroup, long long deadline, struct err *err)
{
	size_t n = 1;
	int r = 0;

	while (r == 0 && n) {
		struct arena arena = { 0 };
		pid_t *pids;

		r = driver_pids(cgroup, &arena, &pids, &n, err);
		if (r == 0 && n)
			r = driver_kill(cgroup, SIGKILL, err);
		for (size_t i = 0; r == 0 && i < n; i++) {
			_cleanup_close_ int pidfd = pidfd_open_process(pids[i]);
			long long left = deadline - now_ms();

			if (pidfd >= 0 && pidfd_wait(pidfd, left > 0 ? (int)left : 0) == -ETIMEDOUT)
				r = err_set(err, ETIMEDOUT, "process %d of the container did not end within %d s "
					    "of SIGKILL", (int)pids[i], TIMEOUT_MS / 1000);
		}
		arena_free(&arena);
		if (r == 0 && n && now_ms() > deadline)
			r = err_set(err, ETIMEDOUT, "the container's cgroup did not become empty within %d s",
				    TIMEOUT_MS / 1000);
	}
	return r;
}

static int remove_children(int dir, int depth);

static int remove_child(int dir, const char *name, int depth)
{
	_cleanup_close_ int child = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = child < 0 ? 0 : remove_children(child, depth + 1);

	if (r < 0)
		return r;
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_children(int dir, int depth)
{
	int copy = depth < MAX_DEPTH ? openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, r = 0;
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!stream) {
		fd_closep(&copy);
		return 0;
	}
	while (r == 0 && (entry = readdir(stream)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			r = remove_child(dir, entry->d_name, depth);
	(void)closedir(stream);
	return r;
}

/* The end of a process and its leaving of the group are two moments: EBUSY between them passes by itself,
 * in less than a scheduling round. */
static int remove_dir(const struct cgroup_dir *dir, int fd, long long deadline, struct err *err)
{
	_cleanup_close_ int mount = open(dir->mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (mount < 0)
		return 0;
	for (;;) {
		r = remove_children(fd, 0);
		if (r == 0 && (unlinkat(mount, dir->path + 1, AT_REMOVEDIR) == 0 || errno == ENOENT))
			return 0;
		if (r == 0)
			r = -errno;
		if (r != -EBUSY || now_ms() > deadline)
			break;
		(void)sched_yield();
	}
	return err_errno(err, -r, "remove the cgroup %s%s", dir->mount, dir->path);
}

int driver_remove(enum cgroup_driver_kind kind, const struct cgroup_dir *dirs, size_t n_dirs, struct err *err)
{
	long long deadline = now_ms() + TIMEOUT_MS;
	struct cgroup cgroup;
	int r = driver_open(kind, dirs, n_dirs, &cgroup, err);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = empty(&cgroup, deadline, err);
	for (size_t i = 0; r == 0 && i < cgroup.n_dirs; i++)
		if (cgroup.fds[i] >= 0)
			r = remove_dir(&cgroup.dirs[i], cgroup.fds[i], deadline, err);
	driver_close(&cgroup);
	return r;
}
