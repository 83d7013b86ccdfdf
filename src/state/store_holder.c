/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds the lock of a container, for `delete --force`: a creation whose hook never ends must not keep a
 * container for ever. Whoever is killed here can be: what it leaves is undone by the same delete. */
#include "src/state/store.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/sys/pidfd.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_LOCKS = 16 << 20, DEATH_TIMEOUT_MS = 5000 };

/* Whether a process has the directory open. */
static bool has_open(pid_t pid, const struct stat *wanted)
{
	char path[32];
	struct dirent *entry;
	bool found = false;
	struct stat st;
	DIR *fds;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	fds = opendir(path);
	while (fds && !found && (entry = readdir(fds)))
		found = fstatat(dirfd(fds), entry->d_name, &st, 0) == 0 &&
			st.st_ino == wanted->st_ino && st.st_dev == wanted->st_dev;
	if (fds)
		(void)closedir(fds);
	return found;
}

/* "7: FLOCK  ADVISORY  WRITE 1234 00:1a:5678 0 EOF", proc_locks(5); "7: -> FLOCK …" is one that waits. A holder in
 * another pid namespace has the pid 0 or -1. The device is that of the file system, and stat(2) tells another one
 * where that has subvolumes (btrfs): so only the inode is compared, and then what the process has open. */
static pid_t parse_holder(const char *locks, const struct stat *dir)
{
	unsigned long long inode;
	int pid;

	for (const char *line = locks; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%*d: FLOCK ADVISORY WRITE %d %*x:%*x:%llu", &pid, &inode) == 2 &&
		    inode == dir->st_ino && pid > 0 && has_open(pid, dir))
			return pid;
	}
	return 0;
}

static pid_t find_holder(int dirfd)
{
	struct arena arena = { 0 };
	struct err ignored;
	struct stat st;
	pid_t pid = 0;
	char *locks;

	if (fstat(dirfd, &st) < 0)
		return 0;
	if (io_read_file(AT_FDCWD, "/proc/locks", MAX_LOCKS, &arena, &locks, NULL, &ignored) == 0)
		pid = parse_holder(locks, &st);
	arena_free(&arena);
	return pid;
}

int store_lock_by_force(int dirfd, int timeout_ms, struct err *err)
{
	int r = store_lock(dirfd, timeout_ms, err);
	_cleanup_close_ int pidfd = -1;
	pid_t pid;

	if (r != -EBUSY)
		return r;
	pid = find_holder(dirfd);
	if (pid <= 0)
		return r;
	pidfd = pidfd_open_process(pid);
	/* The descriptor first: while the lock is still that process's, so is the number. */
	if (pidfd < 0 || find_holder(dirfd) != pid)
		return store_lock(dirfd, timeout_ms, err);
	r = pidfd_signal(pidfd, SIGKILL);
	if (r < 0 && r != -ESRCH)
		return err_errno(err, -r, "kill process %d, which works on the container",
				 (int)pid);
	log_notice("process %d, which worked on the container for more than %d s, was killed",
		   (int)pid, timeout_ms / 1000);
	(void)pidfd_wait(pidfd, DEATH_TIMEOUT_MS);
	return store_lock(dirfd, timeout_ms, err);
}
