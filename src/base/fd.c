/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

void fd_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

static bool was_closed[3];

bool fd_was_closed(int fd)
{
	return fd >= 0 && fd <= 2 && was_closed[fd];
}

int fd_fill_stdio(struct err *err)
{
	struct pollfd fds[] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };

	if (poll(fds, 3, 0) == 0) /* poll() reports closed descriptors as events */
		return 0;
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* openat() returns the lowest free number, which is fd. Not close-on-exec on
		 * purpose: it becomes the stdio of whatever we run.
		 * NOLINTNEXTLINE(android-cloexec-open) */
		if (openat(AT_FDCWD, "/dev/null", O_RDWR) != fd)
			return err_errno(err, errno, "open /dev/null as descriptor %d", fd);
		was_closed[fd] = true;
	}
	return 0;
}

/* As many as --preserve-fds and LISTEN_FDS together can name. */
enum { FIRST_PASSED = 3, MAX_PASSED = 2048 };

static bool passed[MAX_PASSED];

void fd_note_passed(void)
{
	struct pollfd fds[MAX_PASSED];
	nfds_t n = MAX_PASSED;
	struct rlimit limit;

	for (int i = 0; i < MAX_PASSED; i++)
		fds[i] = (struct pollfd){ .fd = FIRST_PASSED + i };
	/* poll() accepts no more entries than RLIMIT_NOFILE. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < n)
		n = (nfds_t)limit.rlim_cur;
	if (poll(fds, n, 0) < 0)
		return;
	for (nfds_t i = 0; i < n; i++)
		passed[i] = !(fds[i].revents & POLLNVAL);
}

bool fd_was_passed(int fd)
{
	return fd >= FIRST_PASSED && fd < FIRST_PASSED + MAX_PASSED && passed[fd - FIRST_PASSED];
}

struct fd_path fd_path(int fd)
{
	struct fd_path path;

	(void)snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}
