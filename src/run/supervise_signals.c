/* SPDX-License-Identifier: Apache-2.0 */
/* Signals, and job control by the user's shell. A process with a terminal of its own gets the keys
 * as bytes; one without stops and continues together with us. */
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/oci/names.h"
#include "src/run/supervise_parts.h"
#include "src/sys/child.h"
#include "src/sys/tty.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MORE_MS = 1000, /* from a SIGCONT to the signal that it announces, and to a stop */
};

int supervise_block_signals(struct err *err)
{
	sigset_t all;
	int fd;

	(void)sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return err_errno(err, errno, "block signals");
	fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_errno(err, errno, "create a signalfd") : fd;
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Standard input is the terminal of a shell that has put us in the background. */
static bool is_in_background(void)
{
	pid_t group = tcgetpgrp(STDIN_FILENO);

	return group >= 0 && group != getpgrp();
}

int supervise_leave_input(struct err *err)
{
	_cleanup_close_ int null = -1;

	if (!is_in_background())
		return 0;
	null = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return err_errno(err, errno, "open /dev/null as standard input");
	log_notice(
		"standard input is /dev/null: a background job leaves the terminal to the shell");
	return 0;
}

/* Takes a signal's default action by unblocking it. Returns true if it stopped us, which cannot
 * happen in an orphaned process group, where nobody could continue us. */
static bool take_default(int signal)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, signal);
	(void)raise(signal);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)sigpending(&set);
	return sigismember(&set, SIGCONT);
}

/* A shell that ends a stopped job also continues it, before or after it sends the signal. */
static void await_more(struct session *session)
{
	struct pollfd more = { .fd = session->s->signals, .events = POLLIN };
	long long deadline = clock_now() + MORE_MS;

	while (!session->told && session->stopped && poll(&more, 1, clock_left(deadline)) > 0)
		supervise_take_signals(session);
}

/* The process has its own session, where no terminal stops it, neither by ^Z nor when it reads in
 * the background. It stops and continues with us, like a shell's job, and is also continued in
 * order to end, as a shell does with a job that it has signalled. */
static void continue_job(struct session *session)
{
	if (!session->told && is_in_background())
		await_more(session);
	if (!session->told && is_in_background()) {
		log_notice("stopped: in the background it would read the shell's input; `fg` "
			   "continues it");
		if (take_default(SIGTTIN))
			return; /* with another SIGCONT */
	}
	session->stopped = false;
	child_signal_group(session->s->child, SIGCONT);
}

static void stop_job(struct session *session)
{
	session->stopped = true;
	session->told = false;
	if (session->s->reaper) {
		(void)child_signal(session->s->child, SIGTSTP);
		/* Otherwise the program might read what is typed for the shell. */
		child_await_signal(session->s->child, SIGTSTP, MORE_MS);
	} else {
		child_signal_group(session->s->child, SIGSTOP);
	}
	if (!take_default(SIGTSTP))
		continue_job(session);
}

static void suspend(struct session *session)
{
	terminal_leave(&session->terminal);
	(void)raise(SIGSTOP);
	terminal_look(&session->terminal);
}

void supervise_tell_deaf(struct session *session, int signal)
{
	const char *id = session->s->id;

	if (!id || session->told_deaf || session->ended || !isatty(STDERR_FILENO) ||
	    !child_is_deaf(session->s->child, signal))
		return;
	session->told_deaf = true;
	terminal_leave(&session->terminal); /* the terminal is in raw mode */
	if (session->s->console >= 0 && session->output.mid_line)
		(void)!write(STDERR_FILENO, "\n", 1);
	log_notice("%s has no effect: the first process of a container gets only signals that "
		   "it handles; `usrun kill %s KILL` ends it, and the annotation run.oci.init=1 "
		   "avoids this",
		   names_signal_name(signal), id);
	terminal_look(&session->terminal);
}

/* A key of a terminal is for all processes of a job: a shell that is told alone waits for the
 * command that it runs, and goes on with the next one. */
static void signal_process(const struct supervise *s, int signal, bool key)
{
	if (!key || s->console >= 0 || (signal != SIGINT && signal != SIGQUIT))
		(void)child_signal(s->child, signal);
	else if (s->reaper)
		child_signal_group_below(s->child, signal);
	else
		child_signal_group(s->child, signal);
}

void supervise_continue(const struct session *session)
{
	const struct supervise *s = session->s;

	if (s->attach || session->ended || session->stopped)
		return;
	if (s->reaper)
		child_signal_group_below(s->child, SIGCONT);
	else
		child_continue(s->child);
}

static void forward(struct session *session, int signal, bool key)
{
	bool ends = signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
	struct supervise_attach *attach = session->s->attach;

	if (attach) {
		attach->ended_by = ends ? signal : attach->ended_by;
		session->left |= ends;
		return;
	}
	if (ends)
		supervise_tell_deaf(session, signal);
	if (ends && session->stopped && !child_is_deaf(session->s->child, signal))
		session->told = true;
	if (!session->ended)
		signal_process(session->s, signal, key);
	if (ends)
		supervise_continue(session);
	if (session->ended && ends)
		relay_note(&session->output, RELAY_BROKEN,
			   0); /* its last output, which nobody reads */
}

void supervise_handle_signal(struct session *session, int signal, bool key)
{
	struct supervise *s = session->s;

	switch (signal) {
	case SIGCHLD:
		if (!session->ended && child_reap(s->child, 0, &session->status) == 0) {
			session->status = exit_status(session->status);
			session->ended = true;
		}
		return;
	case SIGWINCH:
		if (s->console >= 0)
			(void)tty_copy_size(session->terminal.window, s->console);
		return;
	case SIGURG:  /* language runtimes send this to themselves */
	case SIGPIPE: /* our own output is broken */
	case SIGTTIN:
	case SIGTTOU:
		return;
	case SIGTSTP: /* from a shell: the key itself acts inside */
		if (s->console >= 0 && session->terminal.input >= 0) {
			suspend(session);
			return;
		}
		if (s->console >= 0 || !key)
			break;
		stop_job(session);
		return;
	case SIGCONT:
		if (s->console >= 0)
			terminal_look(&session->terminal);
		if (!session->stopped)
			break;
		continue_job(session);
		return;
	default:
		break;
	}
	forward(session, signal, key);
}

void supervise_take_signals(struct session *session)
{
	struct signalfd_siginfo info;

	if (read(session->s->signals, &info, sizeof(info)) == sizeof(info))
		supervise_handle_signal(session, (int)info.ssi_signo, info.ssi_code == SI_KERNEL);
}
