/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds the lock of a container, for `delete --force`: a creation whose hook never ends must not keep a
 * container for ever. Whoever is killed here can be: what it leaves is undone by the same delete. */
#include "src/state/store.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/sys/pidfd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { MAX_LOCKS = 16 << 20, DEATH_TIMEOUT_MS = 5000 };

/* "7: FLOCK  ADVISORY  WRITE 1234 00:1a:5678 0 EOF", proc_locks(5); "7: -> FLOCK …" is one that waits. A holder in
 * another pid namespace has the pid 0 or -1. */
static pid_t parse_holder(const char *locks, const char *file)
{
	char place[64];
	int pid;

	for (const char *line = locks; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%*d: FLOCK ADVISORY WRITE %d %63s", &pid, place) == 2 &&
		    str_equal(place, file))
			return pid;
	}
	return 0;
}

static pid_t find_holder(int dirfd)
{
	struct arena arena = { 0 };
	struct err ignored;
	struct stat st;
	char file[64], *locks;
	pid_t pid = 0;

	if (fstat(dirfd, &st) < 0)
		return 0;
	(void)snprintf(file, sizeof(file), "%02x:%02x:%llu", major(st.st_dev), minor(st.st_dev),
		       (unsigned long long)st.st_ino);
	if (io_read_file(AT_FDCWD, "/proc/locks", MAX_LOCKS, &arena, &locks, NULL, &ignored) == 0)
		pid = parse_holder(locks, file);
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
