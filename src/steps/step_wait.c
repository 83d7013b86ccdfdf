/* SPDX-License-Identifier: Apache-2.0 */
/* A created container waits for its `start`. */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/memory.h"
#include "src/plan/powers.h"
#include "src/sys/privs.h"
#include "src/sys/sock.h"

#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A process executed in the container meanwhile sees this one, and may be allowed to take its
 * descriptors (CVE-2016-9962). */
static void keep_listeners_only(struct start *start)
{
	/* The program's listener is passed on to `start`, if that has a service manager. */
	const int listeners[] = { start->start_listener, start->notify_listener };

	start_close_others(start, listeners, 2);
	log_forget();
	start->hooks_output = (struct hooks_output){ .out = -1, .err = -1 };
}

/* An unprivileged caller enters a process's namespaces by its right to trace it, and may not trace
 * an undumpable one. This process holds nothing but the container's. For other callers it stays
 * undumpable, and its files in /proc their own: pasta of buildah opens /proc/PID/ns without
 * capabilities. */
static void set_visible(const struct start *start, bool visible)
{
	if (!(start->plan->powers & POWER_TRACE) &&
	    start->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN))
		privs_set_dumpable(visible);
}

/* Nobody would learn why a waiting init died, and a shortage of files or memory on the host
 * passes. */
static bool passes(int error)
{
	static const struct timespec moment = { .tv_nsec = 20 * 1000 * 1000 };

	if (error == EINTR || error == ECONNABORTED)
		return true;
	if (error != ENFILE && error != ENOMEM && error != ENOBUFS)
		return false;
	(void)nanosleep(&moment, NULL);
	return true;
}

/* The messages of a `start`: the outputs of startContainer hooks, with a descriptor each; "notify",
 * with the socket for the program; and "start". A peer that hangs up earlier was killed. */
static bool hear_start(struct start *start, int connection)
{
	char word[8];

	for (;;) {
		int fd = -1, *slot;
		ssize_t n = sock_recv(connection, word, sizeof(word), &fd);

		if (n < 0 && passes((int)-n))
			continue;
		if (n <= 0)
			break;
		if (*word == 's')
			return true;
		if (*word == 'n') {
			(void)sock_send(connection, "notify", 6, start->notify_listener);
			continue;
		}
		slot = *word == 'o' ? &start->hooks_output.out : &start->hooks_output.err;
		fd_closep(slot);
		*slot = fd_take(&fd);
	}
	hooks_close_output(&start->hooks_output);
	return false;
}

static void end_on_signal(int signal)
{
	_exit(128 + signal);
}

void step_wait_hear_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	const struct sigaction end = { .sa_handler = end_on_signal };
	struct sigaction before;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], &end, &before) == 0 && before.sa_handler == SIG_IGN)
			(void)sigaction(signals[i], &before, NULL);
}

/* `start` connects to announce itself. */
int step_wait_start(struct start *start, struct err *err)
{
	keep_listeners_only(start);
	memory_trim();
	for (;;) {
		_cleanup_close_ int connection = -1;
		int error;

		set_visible(start, true);
		connection = accept4(start->start_listener, NULL, NULL, SOCK_CLOEXEC);
		error = errno;
		set_visible(start, false); /* from now on the container may have more processes */
		if (connection < 0 && !passes(error))
			return err_errno(err, error, "wait for start");
		if (connection < 0)
			continue;
		if (hear_start(start, connection)) {
			start->start_connection = fd_take(&connection);
			fd_closep(&start->start_listener);
			fd_closep(&start->notify_listener);
			break;
		}
	}
	if (!start->plan->process.args)
		return err_set(err, EINVAL,
			       ERR_AT "process: missing, so there is nothing to start");
	return 0;
}
