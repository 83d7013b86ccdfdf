/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/pidfd.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

int pidfd_open_process(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */

	return fd < 0 ? -errno : (int)fd;
}

int pidfd_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int pidfd_wait(int pidfd, int timeout_ms)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };
	int n;

	do
		n = poll(&fd, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}
