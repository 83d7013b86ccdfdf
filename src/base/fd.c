/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

void fd_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_fill_stdio(struct err *err)
{
	struct pollfd fds[] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };

	if (poll(fds, 3, 0) == 0) /* one that is closed is an event */
		return 0;
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The lowest free number is this one. It stays open over exec on purpose: it is the
		 * stdio of whatever we start. NOLINTNEXTLINE(android-cloexec-open) */
		if (openat(AT_FDCWD, "/dev/null", O_RDWR) != fd)
			return err_errno(err, errno, "open /dev/null as descriptor %d", fd);
	}
	return 0;
}

struct fd_path fd_path(int fd)
{
	struct fd_path path;

	(void)snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}
