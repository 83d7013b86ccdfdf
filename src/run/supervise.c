/* SPDX-License-Identifier: Apache-2.0 */
/* An event loop over a signalfd and, with a terminal, the person's terminal and the container's.
 * The person's is raw meanwhile: ^C and ^Z travel as bytes and act inside. Nothing but poll()
 * waits, so signals are served whatever else is stuck. */
#include "src/run/supervise.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/cgroup/driver.h"
#include "src/run/notify.h"
#include "src/run/relay.h"
#include "src/run/stream.h"
#include "src/run/terminal.h"
#include "src/steps/keeper.h"
#include "src/sys/child.h"
#include "src/sys/tty.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SLOT_SIGNALS,
	SLOT_INPUT,
	SLOT_OUTPUT,
	SLOT_CONSOLE,
	SLOT_NOTIFY,
	SLOT_OOM,
	SLOT_TIMER,
	SLOT_KEEPER,
	SLOTS
};

enum {
	LOOK_MS =
		200, /* how often to ask whether the terminal is ours again, or its mode another */
	MORE_MS = 1000, /* from a SIGCONT to the signal that it is to make heard */
	GRACE_S = 5,    /* from SIGTERM to SIGKILL, when the time is up */
	AWAY_MS = 50,   /* the same for a console that nothing inside has open */
	LAST = 1 << 20, /* bytes in a terminal at the end: more than the kernel keeps */
};

struct session {
	struct supervise *s;
	struct terminal terminal;
	struct stream in, out;
	struct relay input, output;
	bool ended;  /* the process */
	bool away;   /* the console was at its end: nothing has it open now, which may change */
	bool at_end; /* of the input: end-of-file characters went to the console */
	tcflag_t line_mode; /* ICANON or 0, as it was when the last one went */
	int status;
	int timer;      /* or -1 */
	bool timed_out; /* it was told to end */
	size_t last;    /* bytes read since the end */
	bool stopped;   /* the process, with us */
	bool told;      /* to end, since it was stopped; not where it is deaf to that */
	bool left;      /* attach: the process goes on without us */
};

_Static_assert(RELAY_RESERVE >= DETACH_MAX + 2, "keys that were held, and two ends");

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

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Nobody sees the console any more: what runs on it is hung up. The kernel does not let SIGHUP end
 * the first process of a pid namespace, where it would end any other. */
static void hang_up(struct session *session)
{
	struct child *child = session->s->child;

	relay_note(&session->input, RELAY_BROKEN, 0);
	relay_note(&session->output, RELAY_BROKEN, 0);
	if (session->s->console < 0)
		return;
	fd_closep(&session->s->console);
	session->left = session->s->attach;
	if (!session->left && !session->ended && child_is_deaf(child, SIGHUP))
		(void)child_signal(child, SIGKILL);
}

/* Standard input is the terminal of a shell that has put us into the background. */
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

/* What a signal does that is not blocked. True when it has stopped us; not in an orphaned process
 * group, where nobody could continue us. */
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

static void drain_signals(struct session *session);

/* A shell that ends a stopped job lets it go on, before it sends the signal or after. */
static void await_more(struct session *session)
{
	struct pollfd more = { .fd = session->s->signals, .events = POLLIN };
	long long deadline = clock_now() + MORE_MS;

	while (!session->told && session->stopped && poll(&more, 1, clock_left(deadline)) > 0)
		drain_signals(session);
}

/* The process is in a session of its own, where no terminal stops it: neither with ^Z nor when it
 * reads in the background. With us it stops, and goes on, as a job of the shell would: there to
 * end, too, for a shell lets a job that it has signalled go on. */
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
	if (session->s->reaper)
		(void)child_signal(session->s->child, SIGTSTP);
	else
		child_signal_group(session->s->child, SIGSTOP);
	if (!take_default(SIGTSTP))
		continue_job(session);
}

static void suspend(struct session *session)
{
	terminal_leave(&session->terminal);
	(void)raise(SIGSTOP);
	terminal_look(&session->terminal);
}

static void forward(struct session *session, int signal)
{
	bool ends = signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
	struct supervise_attach *attach = session->s->attach;

	if (attach) {
		attach->ended_by = ends ? signal : attach->ended_by;
		session->left |= ends;
		return;
	}
	if (ends && session->stopped && !child_is_deaf(session->s->child, signal))
		session->told = true;
	if (!session->ended)
		(void)child_signal(session->s->child, signal);
	else if (ends)
		relay_note(&session->output, RELAY_BROKEN,
			   0); /* its last words, that nobody takes */
}

static void handle_signal(struct session *session, int signal, bool key)
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
	case SIGURG:  /* language runtimes send it to themselves */
	case SIGPIPE: /* our own broken output */
	case SIGTTIN:
	case SIGTTOU:
		return;
	case SIGTSTP: /* from a shell: the key acts inside */
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
	forward(session, signal);
}

static void drain_signals(struct session *session)
{
	struct signalfd_siginfo info;

	while (read(session->s->signals, &info, sizeof(info)) == sizeof(info))
		handle_signal(session, (int)info.ssi_signo, info.ssi_code == SI_KERNEL);
}

/* The end of a person's input is the end-of-file character of the container's terminal. */
static void end_input(struct session *session)
{
	struct termios modes;
	char end = 4;

	if (terminal_is_gone(&session->terminal)) {
		hang_up(session);
		return;
	}
	if (session->s->attach) { /* others may type after us */
		relay_note(&session->input, RELAY_END, 0);
		return;
	}
	session->line_mode = ICANON;
	if (tcgetattr(session->s->console, &modes) == 0) {
		end = (char)modes.c_cc[VEOF];
		session->line_mode = modes.c_lflag & ICANON;
	}
	relay_end_input(&session->input, end);
	session->at_end = true;
}

/* An end-of-file character that waits while a shell turns to its own line editing is a NUL there,
 * and the other way round a plain character: the new mode gets one of its own. */
static void repeat_end(struct session *session)
{
	struct termios modes;
	char end;

	if (!session->at_end || session->input.state != RELAY_CLOSED ||
	    tcgetattr(session->s->console, &modes) < 0 ||
	    (modes.c_lflag & ICANON) == session->line_mode)
		return;
	end = (char)modes.c_cc[VEOF];
	if (write(session->s->console, &end, 1) == 1)
		session->line_mode = modes.c_lflag & ICANON;
}

/* What was typed, and what of the keys that leave was typed before it. */
static void take_input(struct session *session, const char *text, size_t len)
{
	struct supervise_attach *attach = session->s->attach;

	if (attach)
		len = detach_scan(&attach->keys, text, len, &session->left);
	relay_note(&session->input, RELAY_GOT, len);
}

static void read_input(struct session *session, short revents)
{
	struct supervise_attach *attach = session->s->attach;
	char *space;
	size_t size = relay_space(&session->input, &space), held = 0;
	ssize_t n;

	if (!revents || !size || !session->terminal.ours) {
		if ((revents & POLLHUP) && terminal_is_gone(&session->terminal))
			end_input(session);
		return;
	}
	if (attach)
		held = detach_resume(&attach->keys, space); /* size is without the reserve */
	n = stream_read(&session->in, space + held, size);
	if (attach && n <= 0)
		attach->keys.held = held;
	if (n == -EAGAIN)
		return;
	if (n == -EIO) /* also the answer to a job in the background */
		terminal_look(&session->terminal);
	if (n == -EIO && !session->terminal.ours)
		return;
	if (n <= 0)
		end_input(session);
	else
		take_input(session, space, held + (size_t)n);
}

static void write_input(struct session *session)
{
	const char *text;
	size_t size = relay_pending(&session->input, &text);
	ssize_t n = size ? write(session->s->console, text, size) : 0;

	if (n > 0)
		relay_note(&session->input, RELAY_PUT, (size_t)n);
	else if (n < 0 && errno == EIO) /* nothing has it open: later, perhaps */
		session->away = true;
}

static void read_console(struct session *session, short revents)
{
	char *space;
	size_t size = relay_space(&session->output, &space);
	ssize_t n = 0;

	if (!size) { /* no room now, and without an opener poll() would not wait */
		session->away |= (revents & POLLHUP) != 0;
		return;
	}
	if (!revents && !session->ended)
		return;
	n = read(session->s->console, space, size);
	if (n > 0) {
		relay_note(&session->output, RELAY_GOT, (size_t)n);
		session->last += session->ended ? (size_t)n : 0;
		session->away = false;
	} else if (n == 0 || errno == EIO) {
		session->away = true;
	}
	/* Others may have its terminal, and go on for ever. */
	if (session->ended && (n <= 0 || session->last > LAST))
		relay_note(&session->output, RELAY_END, 0);
}

static void write_output(struct session *session)
{
	const char *text;
	size_t size = relay_pending(&session->output, &text);
	ssize_t n;

	if (!size || terminal_refuses_output(&session->terminal))
		return;
	n = stream_write(&session->out, text, size);
	if (n >= 0) {
		relay_note(&session->output, RELAY_PUT, (size_t)n);
		return;
	}
	if (n == -EAGAIN)
		return;
	if (n != -EPIPE && n != -EIO && n != -ECONNRESET)
		log_notice("write to standard output: %s", err_why((int)-n));
	hang_up(session);
}

static void relay_step(struct session *session, const struct pollfd *fds)
{
	short revents = session->away ? POLLIN : fds[SLOT_CONSOLE].revents;

	session->away = false;
	if (!session->terminal.ours)
		terminal_look(&session->terminal);
	read_console(session, revents);
	write_output(session);
	if (session->s->console >= 0 && !session->ended)
		read_input(session, fds[SLOT_INPUT].revents);
	if (session->s->console >= 0 && !session->ended)
		write_input(session);
	if (session->s->console >= 0 && !session->ended)
		repeat_end(session);
}

/* What to wait for, at most how long. */
static int prepare(const struct session *session, struct pollfd *fds, int patience)
{
	const struct supervise *s = session->s;
	bool console = s->console >= 0 && !session->ended, ours = session->terminal.ours;
	bool reads = console && relay_reads(&session->input) && ours;
	short events = (short)((relay_reads(&session->output) ? POLLIN : 0) |
			       (relay_writes(&session->input) ? POLLOUT : 0));
	int most = session->away ? AWAY_MS : ours && !session->at_end ? -1 : LOOK_MS;

	fds[SLOT_SIGNALS] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	/* Its end is told in any case. */
	fds[SLOT_INPUT] = (struct pollfd){
		.fd = reads || (console && session->terminal.input >= 0) ? session->in.fd : -1,
		.events = reads ? POLLIN : 0,
	};
	fds[SLOT_OUTPUT] = (struct pollfd){
		.fd = relay_writes(&session->output) && !terminal_refuses_output(&session->terminal)
			      ? session->out.fd
			      : -1,
		.events = POLLOUT,
	};
	fds[SLOT_CONSOLE] = (struct pollfd){
		.fd = events && !session->away ? s->console : -1,
		.events = events,
	};
	fds[SLOT_NOTIFY] = (struct pollfd){ .fd = s->notify, .events = POLLIN };
	fds[SLOT_TIMER] = (struct pollfd){ .fd = session->timer, .events = POLLIN };
	fds[SLOT_KEEPER] =
		(struct pollfd){ .fd = s->attach && !session->ended ? s->attach->keeper : -1,
				 .events = POLLIN };
	fds[SLOT_OOM] = (struct pollfd){ .fd = s->oom ? s->oom->fd : -1, .events = POLLPRI };
	return most < 0 || (patience >= 0 && patience < most) ? patience : most;
}

static int start_timer(struct session *session, struct err *err)
{
	int64_t ms = session->s->timeout_ms;
	struct itimerspec when = { .it_value = { ms / 1000, ms % 1000 * 1000000 },
				   .it_interval = { .tv_sec = GRACE_S } };

	if (!ms)
		return 0;
	session->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (session->timer < 0 || timerfd_settime(session->timer, 0, &when, NULL) < 0)
		return err_errno(err, errno, "set a timer");
	return 0;
}

/* The first time it is asked, then made to. */
static void time_is_up(struct session *session)
{
	uint64_t times;

	if (read(session->timer, &times, sizeof(times)) < 0 || session->ended)
		return;
	if (!session->timed_out && child_is_deaf(session->s->child, SIGTERM))
		session->timed_out = true;
	(void)child_signal(session->s->child, session->timed_out ? SIGKILL : SIGTERM);
	session->timed_out = true;
}

/* The terminal is not ours any more, or its container has ended. */
static void hear_keeper(struct session *session)
{
	struct supervise_attach *attach = session->s->attach;
	int word = keeper_hear(attach->keeper);

	if (word == KEEPER_ENDS) {
		session->ended = true;
	} else if (word) {
		session->left = true;
		attach->why = word == KEEPER_TAKES ? "attached from elsewhere"
						   : "the keeper of its terminal was killed";
	}
}

static bool is_over(const struct session *session)
{
	if (session->left)
		return true;
	return session->ended && (session->s->console < 0 || session->output.state == RELAY_CLOSED);
}

static int loop(struct session *session, struct err *err)
{
	struct supervise *s = session->s;
	struct pollfd fds[SLOTS] = { { 0 } };
	int patience = -1;

	for (;;) {
		if (s->console >= 0 && !session->left)
			relay_step(session, fds);
		if (is_over(session))
			break;
		if (poll(fds, SLOTS, prepare(session, fds, patience)) < 0 && errno != EINTR)
			return err_errno(err, errno, "wait for the container");
		if (s->oom) {
			patience = driver_oom_patience(s->oom, fds[SLOT_OOM].revents);
			(void)driver_oom_happened(s->oom);
		}
		if (fds[SLOT_TIMER].revents)
			time_is_up(session);
		if (fds[SLOT_NOTIFY].revents)
			notify_relay(s->notify, s->manager);
		if (fds[SLOT_SIGNALS].revents)
			drain_signals(session);
		/* Asked before any read: we may have been stopped while somebody else came. */
		if (s->attach && !session->ended)
			hear_keeper(session);
	}
	return session->timed_out ? SUPERVISE_TIMED_OUT : session->status;
}

static void open_streams(struct session *session)
{
	const struct supervise_attach *attach = session->s->attach;
	int console = session->s->console;
	char *space;

	if (attach && relay_space(&session->output, &space) >= attach->len) {
		memcpy(space, attach->text, attach->len);
		relay_note(&session->output, RELAY_GOT, attach->len);
	}
	session->in = stream_open(STDIN_FILENO, O_RDONLY);
	session->out = stream_open(STDOUT_FILENO, O_WRONLY);
	/* Nobody shares it: what runs inside has the other end. */
	(void)fcntl(console, F_SETFL, fcntl(console, F_GETFL) | O_NONBLOCK);
	terminal_open(&session->terminal);
	terminal_look(&session->terminal);
	(void)tty_copy_size(session->terminal.window, console);
}

int supervise_run(struct supervise *supervise, struct err *err)
{
	struct session session = { .s = supervise,
				   .terminal = { .input = -1, .ours = true },
				   .timer = -1 };
	bool console = supervise->console >= 0;
	int r = start_timer(&session, err);

	if (r < 0) {
		(void)child_signal(supervise->child, SIGKILL);
		return r;
	}

	if (console)
		open_streams(&session);
	/* It may have ended, and its SIGCHLD been eaten, before we looked. */
	handle_signal(&session, SIGCHLD, false);
	if (supervise->stop_key)
		handle_signal(&session, SIGTSTP, true);
	r = loop(&session, err);
	if (session.left) /* what was read before */
		write_output(&session);
	fd_closep(&session.timer);
	if (supervise->notify >= 0) /* its last words */
		notify_relay(supervise->notify, supervise->manager);
	if (console) {
		terminal_close(&session.terminal);
		stream_close(&session.in);
		stream_close(&session.out);
	}
	return r;
}
