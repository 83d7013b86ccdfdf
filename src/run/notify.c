/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/notify.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/sys/pidfd.h"
#include "src/sys/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	NOTIFY_AT_ONCE = 1024, /* more than net.unix.max_dgram_qlen lets a queue hold */
	LOOK_MS = 100,         /* interval at which to check for an end that cannot be polled */
	BARRIER_MS = 30000,
	BUSY_MS = 5000,
};

static int is_wanted(const char *line, int has_fd)
{
	static const char names[][24] = {
		"READY=",    "STATUS=", "RELOADING=",           "MONOTONIC_USEC=", "STOPPING=",
		"WATCHDOG=", "ERRNO=",  "EXTEND_TIMEOUT_USEC=", "EXIT_STATUS="
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_starts(line, names[i]))
			return 1;
	return has_fd && str_equal(line, "BARRIER=1");
}

size_t notify_filter(char *text, int has_fd)
{
	const char *end = text + strlen(text); /* the last newline may take the place of the NUL */
	char *to = text, *next = text;

	while (next < end) {
		char *line = next;
		size_t len = strcspn(line, "\n");

		next += len + 1;
		line[len] = '\0';
		if (!is_wanted(line, has_fd))
			continue;
		memmove(to, line, len);
		to += len;
		*to++ = '\n';
	}
	return (size_t)(to - text);
}

int notify_connect(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int sock;

	if (!path || !*path)
		return -1;
	sock = sock_connect_datagram(path);
	if (sock >= 0)
		return sock;
	/* A variable that outlives its manager is no reason to fail. */
	log_warning("NOTIFY_SOCKET: connect to %s: %s; messages of the container are lost", path,
		    err_why(-sock));
	return -1;
}

/* All units of the manager share its queue, which is full while it reloads them. */
static int send_patiently(int manager, const char *text, size_t len, int fd)
{
	struct pollfd room = { .fd = manager, .events = POLLOUT };
	long long deadline = clock_now() + BUSY_MS;
	int r;

	do
		r = sock_send(manager, text, len, fd);
	while (r == -EAGAIN && clock_left(deadline) &&
	       poll(&room, 1, (int)clock_left(deadline)) >= 0);
	return r;
}

/* Without readiness the manager ends the program in the end; repeated, it must not hold us up. */
static int forward(int manager, const char *text, size_t len, int fd, bool ready)
{
	static bool told;

	if (!ready || told)
		return sock_send(manager, text, len, fd);
	told = true;
	return send_patiently(manager, text, len, fd);
}

/* 1: the program is ready, 0: another message, -errno. main_pid 0: the manager already knows the
 * pid. */
static int relay_one(int listener, int manager, pid_t main_pid)
{
	char text[4096 + sizeof("MAINPID=-2147483648\n")];
	_cleanup_close_ int fd = -1;
	ssize_t n = sock_recv(listener, text, 4096 - 1, &fd);
	bool ready;
	size_t len;
	int r = 0;

	if (n < 0)
		return (int)n;
	text[n] = '\0';
	len = notify_filter(text, fd >= 0);
	text[len] = '\0';
	ready = str_starts(text, "READY=1\n") || strstr(text, "\nREADY=1\n");
	if (ready && main_pid)
		len += (size_t)sprintf(text + len, "MAINPID=%d\n", (int)main_pid);
	/* In the protocol a barrier is a message of its own, without even a newline. */
	if (len > 0 && fd >= 0)
		len--;
	if (len > 0 && manager >= 0)
		r = forward(manager, text, len, fd, ready);
	if (r < 0)
		log_debug("a message for the service manager is lost: %s", err_why(-r));
	return ready;
}

void notify_relay(int listener, int manager)
{
	/* A container that sends without pause must not keep us from handling signals. */
	for (int i = 0; i < NOTIFY_AT_ONCE; i++)
		if (relay_one(listener, manager, 0) < 0)
			break;
}

/* Returns once the manager has read everything: it cannot identify the sender of a message after
 * the sender's exit. */
static void wait_for_manager(int manager)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	if (send_patiently(manager, "BARRIER=1", strlen("BARRIER=1"), ends[1]) == 0) {
		struct pollfd fd = { .fd = ends[0] };

		fd_closep(&ends[1]);
		while (poll(&fd, 1, BARRIER_MS) < 0 && errno == EINTR)
			;
	}
	fd_closep(&ends[0]);
	fd_closep(&ends[1]);
}

void notify_await(int listener, int manager, pid_t pid, int pidfd)
{
	struct pollfd fds[] = { { .fd = listener, .events = POLLIN },
				{ .fd = pidfd_to_poll(pidfd), .events = POLLIN } };
	bool looks = fds[1].fd < 0, ended = false;
	int r = 0;

	while (r == 0 && !ended) {
		if (poll(fds, 2, looks ? LOOK_MS : -1) < 0 && errno != EINTR)
			return;
		ended = looks ? pidfd_wait(pidfd, 0) == 0 : fds[1].revents != 0;
		if (fds[0].revents)
			r = relay_one(listener, manager, pid);
		if (r == -EAGAIN)
			r = 0;
	}
	if (r > 0)
		wait_for_manager(manager);
}
