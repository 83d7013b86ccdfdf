/* SPDX-License-Identifier: Apache-2.0 */
/* Relays keyboard input to the container's terminal and its output to the user: one relay per
 * direction, and neither end ever blocks. */
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/run/supervise_parts.h"
#include "src/sys/child.h"
#include "src/sys/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LAST = 1 << 20, /* bytes read after the end: more than the kernel buffers */
};

_Static_assert(RELAY_RESERVE >= DETACH_MAX + 2, "keys that were held, and two ends");
_Static_assert((int)RELAY_RESERVE >= (int)QUERY_HELD, "a query that was held");

/* What was typed before the terminal is raw is read as the lines that it is: in raw mode, an
 * end-of-file character among them would be a NUL. */
static void take_typed_ahead(struct session *session)
{
	struct pollfd input = { .fd = session->terminal.input, .events = POLLIN };
	struct termios modes;
	char *space;
	size_t size;

	if (session->s->attach || !terminal_is_ours(&session->terminal) ||
	    tcgetattr(input.fd, &modes) < 0 || !(modes.c_lflag & ICANON))
		return;
	while ((size = relay_space(&session->input, &space)) && poll(&input, 1, 0) > 0 &&
	       !(input.revents & POLLHUP)) {
		ssize_t n = stream_read(&session->in, space, size);

		if (n < 0)
			return;
		if (n == 0)
			space[n++] = (char)modes.c_cc[VEOF];
		relay_note(&session->input, RELAY_GOT, (size_t)n);
	}
}

void supervise_open_streams(struct session *session)
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
	/* Nobody shares this open file: programs inside have the other end. */
	(void)fcntl(console, F_SETFL, fcntl(console, F_GETFL) | O_NONBLOCK);
	terminal_open(&session->terminal);
	take_typed_ahead(session);
	terminal_look(&session->terminal);
	(void)tty_copy_size(session->terminal.window, console);
}

void supervise_close_streams(struct session *session)
{
	terminal_close(&session->terminal);
	stream_close(&session->in);
	stream_close(&session->out);
}

/* Hangs up a console that nobody sees any more. The kernel does not let SIGHUP end the init of a
 * pid namespace as it would any other process. */
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

/* The status of a run or an exec is the program's; that of an attach says why it ends. */
static void tell_failure(struct session *session, const char *what, int error)
{
	log_notice("%s: %s", what, err_why(error));
	if (session->s->attach)
		session->status = 1;
}

/* Nobody is there any more: what a terminal says by EIO, which from a file is an error. */
static bool has_left(const struct stream *stream, ssize_t n)
{
	struct stat st;

	return n == -EPIPE || n == -ECONNRESET ||
	       (n == -EIO && fstat(stream->fd, &st) == 0 && S_ISCHR(st.st_mode));
}

/* When the user's input ends, sends the end-of-file character of the container's terminal. */
static void end_input(struct session *session)
{
	struct termios modes;
	char end = 4;

	if (terminal_is_gone(&session->terminal)) {
		hang_up(session);
		return;
	}
	if (session->s->attach) { /* others may still type after us */
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

/* A pending end-of-file character becomes NUL when a shell switches to its own line editing, and an
 * ordinary character the other way round: so the new mode gets its own. */
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

/* Passes on what was typed, including any keys held back before. */
static void take_input(struct session *session, const char *text, size_t len)
{
	struct supervise_attach *attach = session->s->attach;

	if (attach) {
		len = detach_scan(&attach->keys, text, len, &attach->by_keys);
		session->left = attach->by_keys;
	}
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
		held = detach_resume(&attach->keys, space); /* size excludes the reserve */
	n = stream_read(&session->in, space + held, size);
	if (attach && n <= 0)
		attach->keys.held = held;
	if (n == -EAGAIN)
		return;
	if (n == -EIO) /* also returned to background jobs */
		terminal_look(&session->terminal);
	if (n == -EIO && !session->terminal.ours)
		return;
	if (n < 0 && !has_left(&session->in, n))
		tell_failure(session, "read standard input", (int)-n);
	if (n < 0 && attach) /* nobody can type any more, and a wait would seem to hang */
		hang_up(session);
	else if (n <= 0)
		end_input(session);
	else
		take_input(session, space, held + (size_t)n);
}

/* Whether a key that ends programs is among what was typed. */
static bool has_key(const struct termios *modes, int key, const char *text, size_t len)
{
	cc_t c = modes->c_cc[key];

	return c != _POSIX_VDISABLE && memchr(text, c, len);
}

/* The first ^C may have ended a child of the first process; a second one cannot have. */
static void watch_keys(struct session *session, const char *text, size_t len)
{
	struct termios modes;
	bool interrupts;

	if (!memchr(text, 3, len) &&
	    !memchr(text, 28, len)) /* the usual keys: others cost a call */
		return;
	if (tcgetattr(session->s->console, &modes) < 0 || !(modes.c_lflag & ISIG))
		return;
	interrupts = has_key(&modes, VINTR, text, len);
	if (interrupts || has_key(&modes, VQUIT, text, len))
		supervise_continue(session);
	if (interrupts && ++session->interrupts > 1)
		supervise_tell_deaf(session, SIGINT);
}

static void write_input(struct session *session)
{
	const char *text;
	size_t size = relay_pending(&session->input, &text);
	ssize_t n = size ? write(session->s->console, text, size) : 0;

	if (n > 0) {
		watch_keys(session, text, (size_t)n);
		relay_note(&session->input, RELAY_PUT, (size_t)n);
	} else if (n < 0 && errno == EIO) { /* no process has it open now, though one may later */
		session->away = true;
	}
}

/* The terminal would send its answer to whoever reads it, which is not us: the shell, while we are
 * in the background or have another standard input. */
static void take_output(struct session *session, char *text, size_t len)
{
	if ((session->terminal.input < 0 || !session->terminal.ours) && isatty(STDOUT_FILENO))
		len = query_drop(&session->query, text, len);
	relay_note(&session->output, RELAY_GOT, len);
}

static void end_output(struct session *session)
{
	char *space;

	if (relay_space(&session->output, &space))
		relay_note(&session->output, RELAY_GOT, query_resume(&session->query, space));
	relay_note(&session->output, RELAY_END, 0);
}

static void read_console(struct session *session, short revents)
{
	char *space;
	size_t size = relay_space(&session->output, &space), held;
	ssize_t n = 0;

	if (!size) { /* no room now; polling a console that nothing has open would spin */
		session->away |= (revents & POLLHUP) != 0;
		return;
	}
	if (!revents && !session->ended)
		return;
	held = query_resume(&session->query, space);
	n = read(session->s->console, space + held, size);
	if (n > 0) {
		take_output(session, space, held + (size_t)n);
		session->last += session->ended ? (size_t)n : 0;
		session->away = false;
	} else {
		session->away |= n == 0 || errno == EIO;
		if (n < 0 && session->ended && errno != EIO && errno != EAGAIN)
			log_notice("read the container's terminal: %s", err_why(errno));
		query_hold(&session->query, space, held);
	}
	/* Others may have the terminal open and write forever. */
	if (session->ended && (n <= 0 || session->last > LAST))
		end_output(session);
}

void supervise_write_output(struct session *session)
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
	if (!has_left(&session->out, n))
		tell_failure(session, "write to standard output", (int)-n);
	hang_up(session);
}

bool supervise_watches_output(const struct session *session)
{
	return session->terminal.input >= 0 && session->terminal.ours && !session->ended &&
	       session->out.kind != STREAM_PLAIN && !isatty(STDOUT_FILENO);
}

void supervise_relay(struct session *session, short input, short output, short console)
{
	short revents = session->away ? POLLIN : console;

	if ((output & (POLLERR | POLLHUP)) && supervise_watches_output(session)) {
		hang_up(session);
		return;
	}

	session->away = false;
	if (!session->terminal.ours)
		terminal_look(&session->terminal);
	read_console(session, revents);
	supervise_write_output(session);
	if (session->s->console >= 0 && !session->ended)
		read_input(session, input);
	if (session->s->console >= 0 && !session->ended)
		write_input(session);
	if (session->s->console >= 0 && !session->ended)
		repeat_end(session);
}
