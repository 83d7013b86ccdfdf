/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/pidfd.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/sys/compat.h"
#include "src/sys/privs.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { PIDFS_MAGIC = 0x50494446 }; /* "PIDF", in linux/magic.h since Linux 6.9 */

/* Opens /proc/PID, which stays bound to this process even if its number is reused, and which
 * pidfd_send_signal() accepts, too. It cannot be polled. */
static int open_stand_in(pid_t pid)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : errno == ENOENT ? -ESRCH : -errno;
}

static bool is_stand_in(int fd)
{
	struct stat st;

	return compat_is_missing(COMPAT_PIDFD_OPEN) && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

int pidfd_open_process(pid_t pid)
{
	/* always close-on-exec */
	int fd = compat_result(COMPAT_PIDFD_OPEN, syscall(SYS_pidfd_open, pid, 0));

	return fd == -ENOSYS ? open_stand_in(pid) : fd;
}

int pidfd_to_poll(int pidfd)
{
	return is_stand_in(pidfd) ? -1 : pidfd;
}

/* The pid of the process that the descriptor refers to, or -ESRCH. */
static pid_t number_of(int pidfd)
{
	char path[48], text[512];
	const char *pid = text;
	long number;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	n = is_stand_in(pidfd) ? io_read_small(pidfd, "stat", text, sizeof(text))
			       : io_read_small(AT_FDCWD, path, text, sizeof(text));
	if (n >= 0 && !is_stand_in(pidfd))
		pid = strstr(text, "\nPid:") ? strstr(text, "\nPid:") + strlen("\nPid:") : "";
	number = n < 0 ? 0 : strtol(pid, NULL, 10);
	return number > 0 ? (pid_t)number : -ESRCH;
}

/* kill(2) by number, after checking that it is still the descriptor's process. In between it may
 * end and its number be reused, but only if the kernel went through all numbers in that moment. */
static int signal_by_number(int pidfd, int signal)
{
	pid_t pid = number_of(pidfd);

	if (pid < 0)
		return pid;
	return kill(pid, signal) < 0 ? -errno : 0;
}

int pidfd_signal(int pidfd, int signal)
{
	int r = compat_result(COMPAT_PIDFD_SEND_SIGNAL,
			      syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));

	return r == -ENOSYS ? signal_by_number(pidfd, signal) : r;
}

/* Whether a process has ended, according to its state in /proc. */
static bool has_ended(int stand_in)
{
	char text[512];
	const char *state;
	ssize_t n = io_read_small(stand_in, "stat", text, sizeof(text));

	if (n < 0) /* unreadable for another reason: assume that it still runs */
		return n == -ESRCH || n == -ENOENT;
	state = strrchr(text, ')'); /* the process name may contain anything */
	return state && (state[2] == 'Z' || state[2] == 'X');
}

static int wait_by_looking(int stand_in, int timeout_ms)
{
	static const struct timespec step = { .tv_nsec = 5 * 1000 * 1000 };
	long long deadline = clock_now() + timeout_ms;

	while (!has_ended(stand_in)) {
		if (timeout_ms >= 0 && !clock_left(deadline))
			return -ETIMEDOUT;
		(void)nanosleep(&step, NULL);
	}
	return 0;
}

int pidfd_wait(int pidfd, int timeout_ms)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };
	int n;

	if (is_stand_in(pidfd))
		return wait_by_looking(pidfd, timeout_ms);
	do
		n = poll(&fd, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

uint64_t pidfd_number(int pidfd)
{
	struct stat st;

	/* Half of the number proves nothing. */
	if (sizeof(long) < sizeof(st.st_ino) || fstat(pidfd, &st) < 0 || S_ISDIR(st.st_mode))
		return 0;
	return st.st_ino;
}

bool pidfd_is_numbered(int pidfd)
{
	static enum { UNKNOWN, NUMBERED, ALL_ONE } kind;
	struct statfs fs;

	/* Older kernels share one inode among all anonymous descriptors. */
	if (kind == UNKNOWN && fstatfs(pidfd, &fs) == 0)
		kind = fs.f_type == PIDFS_MAGIC ? NUMBERED : ALL_ONE;
	return kind == NUMBERED;
}

/* Joins one namespace at a time. The user namespace may have to come first or last, depending on
 * where the privileges are: trying tells. */
static int join_each(int stand_in, int flags)
{
	static const struct {
		int flag;
		char path[12];
	} kinds[] = { { CLONE_NEWNS, "ns/mnt" },    { CLONE_NEWCGROUP, "ns/cgroup" },
		      { CLONE_NEWUTS, "ns/uts" },   { CLONE_NEWIPC, "ns/ipc" },
		      { CLONE_NEWPID, "ns/pid" },   { CLONE_NEWNET, "ns/net" },
		      { CLONE_NEWTIME, "ns/time" }, { CLONE_NEWUSER, "ns/user" } };
	enum { N = sizeof(kinds) / sizeof(kinds[0]) };
	int fds[N], left = flags, r = 0;

	for (int i = 0; i < N; i++) /* all before joining, which may replace /proc */
		fds[i] = flags & kinds[i].flag
				 ? openat(stand_in, kinds[i].path, O_RDONLY | O_CLOEXEC)
				 : -1;
	for (int turn = 0; turn < 2 && left; turn++)
		for (int i = 0; i < N; i++)
			if ((left & kinds[i].flag) && setns(fds[i], kinds[i].flag) == 0)
				left &= ~kinds[i].flag;
			else if (left & kinds[i].flag)
				r = -errno;
	for (int i = 0; i < N; i++)
		fd_closep(&fds[i]);
	return left ? r : 0;
}

int pidfd_join(int pidfd, int flags)
{
	/* Processes in the user namespace may be allowed to trace anyone who enters it. */
	if (flags & CLONE_NEWUSER)
		privs_set_dumpable(false);
	if (is_stand_in(pidfd))
		return join_each(pidfd, flags);
	return flags && setns(pidfd, flags) < 0 ? -errno : 0;
}
