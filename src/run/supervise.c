/* SPDX-License-Identifier: Apache-2.0 */
/* An event loop over a signalfd and, with a terminal, the user's terminal and the container's. The
 * user's terminal is in raw mode meanwhile: ^C and ^Z are passed on as bytes and act inside. Only
 * poll() blocks, so signals are handled whatever else is stuck. */
#include "src/run/supervise.h"

#include "src/base/fd.h"
#include "src/cgroup/driver.h"
#include "src/run/notify.h"
#include "src/run/supervise_parts.h"
#include "src/steps/keeper.h"
#include "src/sys/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/timerfd.h>
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
	LOOK_MS = 200, /* interval of checks for the terminal's owner and mode */
	GRACE_S = 5,   /* from SIGTERM to SIGKILL after a timeout */
	AWAY_MS = 50,  /* the same for a console that no process inside has open */
};

/* Fills in what to poll, and returns the timeout. */
static int prepare(const struct session *session, struct pollfd *fds, int patience)
{
	const struct supervise *s = session->s;
	bool console = s->console >= 0 && !session->ended, ours = session->terminal.ours;
	bool reads = console && relay_reads(&session->input) && ours;
	bool writes =
		relay_writes(&session->output) && !terminal_refuses_output(&session->terminal);
	short events = (short)((relay_reads(&session->output) ? POLLIN : 0) |
			       (relay_writes(&session->input) ? POLLOUT : 0));
	int most = session->away ? AWAY_MS : ours && !session->at_end ? -1 : LOOK_MS;

	fds[SLOT_SIGNALS] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	/* POLLHUP is reported in any case. */
	fds[SLOT_INPUT] = (struct pollfd){
		.fd = reads || (console && session->terminal.input >= 0) ? session->in.fd : -1,
		.events = reads ? POLLIN : 0,
	};
	fds[SLOT_OUTPUT] = (struct pollfd){
		.fd = writes || (console && supervise_watches_output(session)) ? session->out.fd
									       : -1,
		.events = writes ? POLLOUT : 0,
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

/* Sends SIGTERM, then SIGKILL; at once SIGKILL if the process is deaf to SIGTERM. */
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

/* The terminal is no longer ours, or its container has ended. */
static void hear_keeper(struct session *session)
{
	struct supervise_attach *attach = session->s->attach;
	int word = keeper_hear(attach->keeper);

	if (word == KEEPER_ENDS) {
		session->ended = true;
	} else if (word) {
		session->left = true;
		session->status = word != KEEPER_TAKES;
		attach->why = word == KEEPER_TAKES
				      ? "attached from elsewhere"
				      : "the process that keeps its terminal was killed";
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
			supervise_relay(session, fds[SLOT_INPUT].revents, fds[SLOT_OUTPUT].revents,
					fds[SLOT_CONSOLE].revents);
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
			supervise_take_signals(session);
		/* Checked before any read: another job may have taken the terminal while we were
		 * stopped. */
		if (s->attach && !session->ended)
			hear_keeper(session);
	}
	return session->timed_out ? SUPERVISE_TIMED_OUT : session->status;
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
		supervise_open_streams(&session);
	/* The process may have ended, and its SIGCHLD been consumed, before we got here. */
	supervise_handle_signal(&session, SIGCHLD, false);
	if (supervise->stop_key)
		supervise_handle_signal(&session, SIGTSTP, true);
	r = loop(&session, err);
	if (session.left) /* output read before it detached */
		supervise_write_output(&session);
	fd_closep(&session.timer);
	if (supervise->notify >= 0) /* its last output */
		notify_relay(supervise->notify, supervise->manager);
	if (console)
		supervise_close_streams(&session);
	return r;
}
