/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what others say to usrun by sockets and pipes: a process of the container about its
 * start, and that it is ready; the keeper of a network or a terminal; slirp4netns. What must hold
 * besides "no crash": an error is one, and a service manager is told only what it may believe. */
#include "net/net_helper.h"
#include "src/base/fd.h"
#include "src/run/channel.h"
#include "src/run/notify.h"
#include "src/steps/keeper.h"
#include "src/sys/pidfd.h"
#include "src/sys/sock.h"
#include "tests/fuzz/expect.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SENT_MAX = 4096 };

/* A socket on which they have come already. */
static int said(const uint8_t *data, size_t size)
{
	int pair[2];

	expect(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	expect(sock_send(pair[1], data, size, -1) == 0);
	fd_closep(&pair[1]);
	return pair[0];
}

static void try_start(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	int sock = said(data, size), pidfd = pidfd_open_process(getpid());
	int r = channel_wait_on(sock, getpid(), pidfd, &err);

	expect_error(r, &err);
	fd_closep(&pidfd);
	fd_closep(&sock);
}

static void try_network(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	int ends[2];

	expect(pipe2(ends, O_CLOEXEC) == 0);
	expect(write(ends[1], data, size) == (ssize_t)size);
	fd_closep(&ends[1]);
	expect_error(net_helper_answer(ends[0], &err), &err);
	fd_closep(&ends[0]);
}

static void try_ready(const uint8_t *data, size_t size, bool has_fd)
{
	char text[SENT_MAX + 2], *line, *save = NULL;
	size_t n;

	memcpy(text, data, size);
	text[size] = '\0';
	n = notify_filter(text, has_fd);
	expect(n <= size + 1);
	text[n] = '\0';
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		expect(strncmp(line, "MAINPID", 7) != 0 && strncmp(line, "FDSTORE", 7) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char answer[SENT_MAX + 1];
	int sock;

	if (size > SENT_MAX)
		size = SENT_MAX;
	try_start(data, size);
	try_network(data, size);
	try_ready(data, size, false);
	try_ready(data, size, true);
	memcpy(answer, data, size);
	answer[size] = '\0';
	(void)net_port_accepted(answer);
	sock = said(data, size);
	(void)keeper_hear(sock);
	fd_closep(&sock);
	return 0;
}
