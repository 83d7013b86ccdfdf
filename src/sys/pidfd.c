/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/pidfd.h"

#include "src/base/io.h"
#include "src/sys/compat.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int pidfd_open_process(pid_t pid)
{
	/* close-on-exec by itself */
	return compat_result(COMPAT_PIDFD_OPEN, syscall(SYS_pidfd_open, pid, 0));
}

/* kill(2) of what the descriptor stands for. Between the look and the signal the process may end and its number be
 * another's, for which the kernel would have to hand out all numbers in that moment. */
static int signal_by_number(int pidfd, int signal)
{
	char path[48], text[512];
	const char *pid;
	long number;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	n = io_read_small(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	pid = strstr(text, "\nPid:");
	number = pid ? strtol(pid + strlen("\nPid:"), NULL, 10) : 0;
	if (number <= 0)
		return -ESRCH;
	return kill((pid_t)number, signal) < 0 ? -errno : 0;
}

int pidfd_signal(int pidfd, int signal)
{
	int r = compat_result(COMPAT_PIDFD_SEND_SIGNAL,
			      syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));

	return r == -ENOSYS ? signal_by_number(pidfd, signal) : r;
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
