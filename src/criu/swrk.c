/* SPDX-License-Identifier: Apache-2.0 */
#include "src/criu/swrk.h"
#include "src/criu/report.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/sys/pidfd.h"
#include "src/sys/program.h"
#include "src/sys/sock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* LAST_WORK: time for CRIU to undo its work. SILENCE: CRIU may fail to notice that processes were
 * killed. */
enum { DEATH_TIMEOUT_MS = 10000, LAST_WORK_MS = 5000, SILENCE_MS = 2000 };

bool swrk_has_program(struct arena *arena, const char *name)
{
	return program_find(arena, name, PROGRAM_USUAL_PLACES) != NULL;
}

int swrk_find(struct arena *arena, const char *asked, const char **ret, struct err *err)
{
	const char *found;

	if (asked && strchr(asked, '/')) {
		*ret = asked;
		return access(asked, X_OK) == 0
			       ? 0
			       : err_errno(err, errno, "--criu: execute %s", asked);
	}
	found = program_find(arena, asked ? asked : "criu", PROGRAM_USUAL_PLACES);
	if (found) {
		*ret = found;
		return 0;
	}
	(void)err_set(err, EOPNOTSUPP, "%s is not installed", asked ? asked : "criu");
	return err_hint(err, "install criu, version 4 or later (before Debian 13 from a newer "
			     "release), or name it with --criu PATH");
}

/* Sets up the program's own descriptors 0 to 2, which are never those of a container. */
static int own_stdio(int words, bool keeps_input)
{
	int null = keeps_input ? 0 : openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);

	return null < 0 || dup2(null, 0) < 0 || dup2(words, 1) < 0 || dup2(words, 2) < 0 ? -errno
											 : 0;
}

static void keep_only(const struct swrk_start *how, int sock, int failure)
{
	int keep[64];
	size_t n = 0;

	for (; n < how->n_fds && n < sizeof(keep) / sizeof(keep[0]) - 2; n++)
		keep[n] = how->fds[n];
	keep[n++] = sock;
	keep[n++] = failure;
	program_close_others(3, keep, n);
	for (size_t i = 0; i < how->n_fds; i++)
		if (how->fds[i] >= 3)
			(void)fcntl(how->fds[i], F_SETFD, 0);
	(void)fcntl(sock, F_SETFD, 0);
}

/* CRIU opens the descriptors that a request names through the process that created the socket,
 * which must be CRIU itself, because its mounts differ from ours. */
static int open_talk(int gate, int *ret, struct err *err)
{
	int talk[2], r = sock_pair(talk, err);

	if (r < 0)
		return r;
	r = sock_send(gate, "", 1, talk[0]);
	fd_closep(&talk[0]);
	*ret = talk[1];
	return r < 0 ? err_errno(err, -r, "start criu") : 0;
}

static int run_program(const struct swrk_start *how, int words, int gate, struct err *err)
{
	const char *path = getenv("PATH");
	char number[16], search[4096];
	char *const argv[] = { (char *)(uintptr_t) "criu", (char *)(uintptr_t) "swrk", number,
			       NULL };
	char *const env[] = { search, NULL };
	int sock = -1, r = how->prepare ? how->prepare(how->data, err) : 0;

	if (r == 0)
		r = open_talk(gate, &sock, err);
	if (r < 0)
		return r;
	(void)snprintf(number, sizeof(number), "%d", sock);
	(void)snprintf(search, sizeof(search), "PATH=%s%s%s", path ? path : "", path ? ":" : "",
		       PROGRAM_USUAL_PLACES);
	r = own_stdio(words, how->keeps_input);
	keep_only(how, sock, gate);
	if (r == 0)
		(void)execve(how->path, argv, env);
	return err_errno(err, r < 0 ? -r : errno, "start %s", how->path);
}

static __attribute__((noreturn)) void run_child(const struct swrk_start *how, int words, int gate)
{
	struct err err = { 0 };
	int fd = -1;
	char go;

	(void)setpgid(0, 0);
	program_reset_signals(~0ULL);
	if (sock_recv(gate, &go, sizeof(go), &fd) <= 0)
		child_exit(127); /* our parent has exited */
	(void)run_program(how, words, gate, &err);
	(void)sock_send(gate, &err, sizeof(err), -1);
	child_exit(127);
}

/* Waits until CRIU or usrun has ended. */
static __attribute__((noreturn)) void become_watch(int lifeline, int criu)
{
	struct pollfd fds[] = { { .fd = lifeline, .events = POLLIN },
				{ .fd = pidfd_to_poll(criu), .events = POLLIN } };
	int keep[] = { lifeline, criu };

	(void)program_stay_behind("usrun:[criu]", keep, sizeof(keep) / sizeof(keep[0]));
	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	if (pidfd_wait(criu, LAST_WORK_MS) < 0)
		(void)pidfd_signal(criu, SIGKILL);
	child_exit(0);
}

static int start_watch(struct swrk *swrk, struct err *err)
{
	const struct clone_request request = { .cgroup_fd = -1 };
	int pair[2], r = sock_pair(pair, err);
	pid_t pid;

	if (r < 0)
		return r;
	pid = child_clone(&request, &swrk->watch);
	if (pid == 0) {
		fd_closep(&pair[0]);
		become_watch(pair[1], swrk->child.pidfd);
	}
	fd_closep(&pair[1]);
	swrk->lifeline = pair[0];
	return pid < 0 ? err_errno(err, (int)-pid, "watch criu") : 0;
}

static int open_channels(int gate[2], int words[2], struct err *err)
{
	return pipe2(words, O_CLOEXEC | O_NONBLOCK) < 0 ? err_errno(err, errno, "start criu")
							: sock_pair(gate, err);
}

int swrk_clone(const struct swrk_start *how, struct swrk *ret, struct err *err)
{
	struct clone_request request = { .flags = how->clone_flags, .cgroup_fd = how->cgroup_fd };
	int gate[2] = { -1, -1 }, words[2] = { -1, -1 };
	int r = open_channels(gate, words, err);
	pid_t pid;

	*ret = (struct swrk){ .child = CHILD_NONE,
			      .watch = CHILD_NONE,
			      .subject = -1,
			      .lifeline = -1,
			      .sock = -1,
			      .words = words[0],
			      .gate = gate[0],
			      .fd = -1 };
	if (r < 0)
		return r;
	pid = child_clone(&request, &ret->child);
	if (pid == 0) {
		fd_closep(&gate[0]); /* otherwise it would never see us hang up */
		run_child(how, words[1], gate[1]);
	}
	fd_closep(&words[1]);
	fd_closep(&gate[1]);
	return pid < 0 ? err_errno(err, (int)-pid, "start %s", how->path) : start_watch(ret, err);
}

int swrk_exec(struct swrk *swrk, struct err *err)
{
	struct err theirs = { 0 };
	int fd = -1, r = sock_send(swrk->gate, "", 1, -1);
	ssize_t n = r < 0 ? r : sock_recv(swrk->gate, &theirs, sizeof(theirs), &swrk->sock);

	if (n == 1)
		n = sock_recv(swrk->gate, &theirs, sizeof(theirs), &fd);
	else if (n == 0)
		n = -ECONNRESET;
	fd_closep(&fd);
	fd_closep(&swrk->gate);
	if (n < 0)
		return err_errno(err, (int)-n, "start criu");
	if (n != (ssize_t)sizeof(theirs)) /* no data, so exec has closed it */
		return 0;
	*err = theirs;
	return -theirs.code;
}

int swrk_start(const struct swrk_start *how, struct swrk *ret, struct err *err)
{
	int r = swrk_clone(how, ret, err);

	if (r == 0)
		r = swrk_exec(ret, err);
	if (r < 0)
		swrk_done(ret);
	return r;
}

/* CRIU exited without an answer: only its standard error tells why. */
static int went_away(struct swrk *swrk, struct err *err)
{
	char words[8192], errors[400] = "";
	ssize_t n = read(swrk->words, words, sizeof(words) - 1);
	const char *hint;

	words[n > 0 ? n : 0] = '\0';
	while (n > 0 && words[n - 1] == '\n')
		words[--n] = '\0';
	report_errors(words, errors, sizeof(errors));
	hint = report_hint(words);
	(void)err_set(err, ECONNRESET, "criu exited without an answer%s%.400s", n > 0 ? ": " : "",
		      *errors ? errors : words);
	return err_hint(err, "%s",
			hint ? hint
			     : "criu older than version 4 does not start on newer kernels: see "
			       "criu check and criu --version");
}

int swrk_send(struct swrk *swrk, const struct rpc_request *request, struct err *err)
{
	_cleanup_str_ struct str packet = { 0 };
	int r;

	rpc_encode(&packet, request);
	swrk->finished = false;
	r = sock_send(swrk->sock, packet.s, packet.len, -1);
	/* It may have exited before it read anything. */
	if (r == -EPIPE || r == -ECONNRESET)
		return went_away(swrk, err);
	return r < 0 ? err_errno(err, -r, "send a request to criu") : 0;
}

/* Waits until CRIU sends something, or we are asked to end. */
static int wait_for_word(struct swrk *swrk, struct err *err)
{
	int subject = swrk->subject < 0 ? -1 : pidfd_to_poll(swrk->subject), left = -1;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = swrk->sock, .events = POLLIN },
			{ .fd = swrk->signals ? swrk->signals->fd : -1, .events = POLLIN },
			{ .fd = subject, .events = POLLIN },
		};
		int n = poll(fds, sizeof(fds) / sizeof(fds[0]), left);

		if (n < 0 && errno != EINTR)
			return err_errno(err, errno, "wait for criu");
		if (n == 0)
			return err_set(err, ESRCH, "the process was killed before it was restored");
		if (n > 0 && fds[1].revents && signals_read(swrk->signals))
			return err_set(err, EINTR, "ended by signal %d", swrk->signals->ended_by);
		if (n > 0 && fds[0].revents)
			return 0;
		if (n > 0 && fds[2].revents) {
			subject = -1;
			left = SILENCE_MS;
		}
	}
}

static int receive(struct swrk *swrk, struct err *err)
{
	char packet[4096];
	ssize_t n;
	int r = wait_for_word(swrk, err);

	fd_closep(&swrk->fd);
	if (r < 0)
		return r;
	n = sock_recv(swrk->sock, packet, sizeof(packet), &swrk->fd);
	if (n <= 0)
		return went_away(swrk, err);
	if (rpc_decode(packet, (size_t)n, &swrk->last) < 0)
		return err_set(err, EBADMSG, "criu sent an invalid response");
	return 0;
}

int swrk_next(struct swrk *swrk, struct err *err)
{
	const struct rpc_request answer = { .type = RPC_NOTIFY, .notify_success = true };
	int r = 0;

	if (swrk->finished)
		return 0;
	if (swrk->last.type == RPC_NOTIFY)
		r = swrk_send(swrk, &answer, err);
	if (r == 0)
		r = receive(swrk, err);
	if (r < 0)
		return r;
	if (swrk->last.type == RPC_NOTIFY) {
		log_debug("criu: %s", swrk->last.script);
		return 0;
	}
	swrk->finished = true;
	return swrk->last.success ? 0 : err_set(err, EREMOTEIO, "criu failed");
}

void swrk_leave(struct swrk *swrk, struct child *child)
{
	fd_closep(&swrk->sock);
	fd_closep(&swrk->gate);
	fd_closep(&swrk->fd);
	(void)child_reap(child, LAST_WORK_MS, NULL);
	(void)child_end(child, DEATH_TIMEOUT_MS);
	fd_closep(&swrk->words);
	fd_closep(&swrk->lifeline);
	(void)child_reap(&swrk->watch, DEATH_TIMEOUT_MS, NULL);
	(void)child_end(&swrk->watch, DEATH_TIMEOUT_MS);
}

void swrk_done(struct swrk *swrk)
{
	swrk_leave(swrk, &swrk->child);
}
