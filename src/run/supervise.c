/* SPDX-License-Identifier: Apache-2.0 */
/* An event loop over a signalfd and, with a terminal, the person's terminal and the container's. The
 * person's is raw meanwhile: ^C and ^Z travel as bytes and act inside. */
#include "src/run/supervise.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/cgroup/driver.h"
#include "src/run/notify.h"
#include "src/sys/child.h"
#include "src/sys/tty.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOT_SIGNALS, SLOT_INPUT, SLOT_CONSOLE, SLOT_NOTIFY, SLOT_OOM, SLOT_COUNT };

int supervise_block_signals(struct err *err)
{
	sigset_t all;
	int fd;

	(void)sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return err_errno(err, errno, "block signals");
	fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_errno(err, errno, "make a signalfd") : fd;
}

/* false once the process was reaped. */
static bool handle_signal(const struct supervise *s, int signal, int *ret_status)
{
	switch (signal) {
	case SIGCHLD:
		return child_reap(s->child, 0, ret_status) < 0;
	case SIGWINCH:
		if (s->console >= 0)
			tty_copy_size(STDIN_FILENO, s->console);
		return true;
	case SIGURG:  /* language runtimes send it to themselves */
	case SIGPIPE: /* our own broken output */
	case SIGTTIN:
	case SIGTTOU:
		return true;
	default:
		(void)child_signal(s->child, signal);
		return true;
	}
}

static bool drain_signals(const struct supervise *s, int *ret_status)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info))
		if (!handle_signal(s, (int)info.ssi_signo, ret_status))
			return false;
	return true;
}

/* false at the end of the stream. */
static bool relay(int from, int to)
{
	char buf[4096];
	ssize_t n = read(from, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	(void)io_write_all(to, buf, (size_t)n);
	return true;
}

/* What the container wrote before it ended is still in the terminal. */
static void drain_console(int console)
{
	struct pollfd fd = { .fd = console, .events = POLLIN };

	while (poll(&fd, 1, 0) > 0 && (fd.revents & POLLIN) && relay(console, STDOUT_FILENO))
		;
}

/* The end of a person's input is the end-of-file character of the container's terminal. */
static void send_end_of_file(int console)
{
	char end = 4;
	struct termios modes;

	if (tcgetattr(console, &modes) == 0)
		end = (char)modes.c_cc[VEOF];
	(void)io_write_all(console, &end, 1);
}

static int loop(const struct supervise *s, struct err *err)
{
	struct pollfd fds[SLOT_COUNT] = {
		[SLOT_SIGNALS] = { .fd = s->signals, .events = POLLIN },
		[SLOT_INPUT] = { .fd = s->console >= 0 ? STDIN_FILENO : -1, .events = POLLIN },
		[SLOT_CONSOLE] = { .fd = s->console, .events = POLLIN },
		[SLOT_NOTIFY] = { .fd = s->notify, .events = POLLIN },
		[SLOT_OOM] = { .fd = s->oom ? s->oom->fd : -1, .events = POLLPRI },
	};
	int status = 0, patience = -1;

	for (;;) {
		if (poll(fds, SLOT_COUNT, patience) < 0 && errno != EINTR)
			return err_errno(err, errno, "wait for the container");
		if (s->oom) {
			patience = driver_oom_patience(s->oom, fds[SLOT_OOM].revents);
			(void)driver_oom_happened(s->oom);
			fds[SLOT_OOM].fd = s->oom->fd;
		}
		if (fds[SLOT_CONSOLE].revents && !relay(s->console, STDOUT_FILENO))
			fds[SLOT_CONSOLE].fd = -1;
		if (fds[SLOT_INPUT].revents && !relay(STDIN_FILENO, s->console)) {
			send_end_of_file(s->console);
			fds[SLOT_INPUT].fd = -1;
		}
		if (fds[SLOT_NOTIFY].revents)
			notify_relay(s->notify, s->manager);
		if (fds[SLOT_SIGNALS].revents && !drain_signals(s, &status))
			break;
	}
	if (s->console >= 0)
		drain_console(s->console);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int supervise_run(const struct supervise *supervise, struct err *err)
{
	struct termios saved;
	bool raw = supervise->console >= 0 && tty_set_raw(STDIN_FILENO, &saved) == 0;
	int status = 0, r;

	if (raw)
		tty_copy_size(STDIN_FILENO, supervise->console);
	/* It may have ended, and its SIGCHLD been eaten, before we looked. */
	if (child_reap(supervise->child, 0, &status) == 0) {
		if (supervise->console >= 0)
			drain_console(supervise->console);
		r = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	} else {
		r = loop(supervise, err);
	}
	if (supervise->notify >= 0) /* its last words */
		notify_relay(supervise->notify, supervise->manager);
	if (raw)
		tty_restore(STDIN_FILENO, &saved);
	return r;
}
