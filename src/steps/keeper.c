/* SPDX-License-Identifier: Apache-2.0 */
#include "src/steps/keeper.h"

#include "src/base/arena.h"
#include "src/base/fd.h"
#include "src/sys/pidfd.h"
#include "src/sys/program.h"
#include "src/sys/sock.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* AWAY_MS: how often to check a terminal that no process inside has open. BLIND_MS: the same for
 * events that no descriptor reports. */
enum { AWAY_MS = 200, BLIND_MS = 500, CHUNK = 4096 };

struct keeper {
	int console, listener, init; /* init: a pidfd */
	int client;                  /* or -1 */
	bool away;                   /* no process has the terminal open now */
	size_t len;
	char text[1 + KEEPER_TEXT]; /* the first byte of a reply, then output not yet seen */
};

static void keep_text(struct keeper *k, const char *data, size_t n)
{
	size_t drop = k->len + n > KEEPER_TEXT ? k->len + n - KEEPER_TEXT : 0;

	memmove(k->text + 1, k->text + 1 + drop, k->len - drop);
	memcpy(k->text + 1 + k->len - drop, data, n);
	k->len += n - drop;
}

static void read_console(struct keeper *k)
{
	char data[CHUNK];
	ssize_t n = read(k->console, data, sizeof(data));

	k->away = n == 0 || (n < 0 && errno == EIO);
	if (n > 0)
		keep_text(k, data, (size_t)n);
}

static void tell(const struct keeper *k, enum keeper_word word)
{
	char byte = (char)word;

	(void)send(k->client, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The latest client gets the terminal: the previous one may be stuck on a dead connection. */
static void accept_client(struct keeper *k)
{
	_cleanup_close_ int client = accept4(k->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (client < 0)
		return;
	if (k->client >= 0)
		tell(k, KEEPER_TAKES);
	fd_closep(&k->client);
	k->text[0] = KEEPER_GIVES;
	if (sock_send(client, k->text, 1 + k->len, k->console) < 0)
		return;
	k->len = 0;
	k->client = fd_take(&client);
}

static bool has_ended(const struct keeper *k, const struct pollfd *polled)
{
	return polled->revents || (polled->fd < 0 && pidfd_wait(k->init, 0) == 0);
}

static void keep(struct keeper *k)
{
	for (;;) {
		bool reads = k->client < 0;
		struct pollfd fds[] = {
			{ .fd = pidfd_to_poll(k->init), .events = POLLIN },
			{ .fd = k->listener, .events = POLLIN },
			{ .fd = k->client },
			{ .fd = reads && !k->away ? k->console : -1, .events = POLLIN },
		};

		(void)poll(fds, sizeof(fds) / sizeof(fds[0]),
			   reads && k->away ? AWAY_MS
			   : fds[0].fd < 0  ? BLIND_MS
					    : -1);
		if (has_ended(k, &fds[0]))
			break;
		if (fds[2].revents)
			fd_closep(&k->client);
		if (fds[3].revents || (reads && k->away))
			read_console(k);
		if (fds[1].revents)
			accept_client(k);
	}
	if (k->client >= 0)
		tell(k, KEEPER_ENDS);
}

static __attribute__((noreturn)) void become_keeper(const struct keeper_request *request)
{
	struct arena arena = { 0 };
	struct keeper *k = arena_new(&arena, struct keeper);
	int keeps[] = { request->console, request->listener, request->init->pidfd };
	const char *title = arena_strf(&arena, "usrun:[console] %s", request->id);

	*k = (struct keeper){ .console = request->console,
			      .listener = request->listener,
			      .init = request->init->pidfd,
			      .client = -1 };
	if (program_stay_behind(title, keeps, sizeof(keeps) / sizeof(keeps[0])) &&
	    fcntl(k->console, F_SETFL, O_RDWR | O_NONBLOCK) == 0)
		keep(k);
	child_exit(0);
}

int keeper_start(const struct keeper_request *request, struct child *ret, struct err *err)
{
	const struct clone_request how = { .cgroup_fd = -1 };
	pid_t pid = child_clone(&how, ret);

	if (pid == 0)
		become_keeper(request);
	return pid < 0 ? err_errno(err, (int)-pid, "start the keeper of the terminal") : 0;
}

int keeper_ask(int dirfd, const char *name, struct keeper_gift *ret)
{
	_cleanup_close_ int connection = sock_connect_at(dirfd, name), console = -1;
	ssize_t n = connection < 0 ? connection
				   : sock_recv(connection, ret->text, sizeof(ret->text), &console);

	if (n < 0)
		return (int)n;
	if (n == 0 || ret->text[0] != KEEPER_GIVES || console < 0)
		return -ECONNREFUSED;
	ret->len = (size_t)n;
	ret->connection = fd_take(&connection);
	ret->console = fd_take(&console);
	return 0;
}

int keeper_hear(int connection)
{
	char word = 0;
	ssize_t n = recv(connection, &word, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n == 1 ? word : -1;
}
