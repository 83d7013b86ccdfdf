/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/channel.h"

#include "src/base/fd.h"
#include "src/security/filter_load.h"
#include "src/sys/pidfd.h"
#include "src/sys/program.h"
#include "src/sys/sock.h"

#include <poll.h>
#include <string.h>
#include <sys/wait.h>

/* A first message arrives at once, unless its sender is prevented from sending. */
enum { FIRST_WORD_MS = 30000 };

enum message_kind { MESSAGE_REACHED, MESSAGE_NOTE, MESSAGE_FAILED };

struct message {
	uint32_t kind, row;
	union {
		char note[640];
		struct err err;
	};
};

enum {
	LEN_REACHED = offsetof(struct message, note),
	LEN_NOTE = LEN_REACHED + sizeof(((struct message *)0)->note),
	LEN_FAILED = LEN_REACHED + sizeof(struct err),
};

struct channel {
	int parent, child;
	bool senders; /* the kernel names the sender, which may be one of two */
};

int channel_open(struct arena *arena, bool stager, struct channel **ret, struct err *err)
{
	struct channel *channel = arena_new(arena, struct channel);
	int pair[2], r = sock_pair(pair, err);

	if (r < 0)
		return r;
	*channel = (struct channel){ .parent = pair[0], .child = pair[1], .senders = stager };
	r = stager ? sock_name_senders(channel->parent) : 0;
	*ret = channel;
	return r < 0 ? err_errno(err, -r, "create a socket pair") : 0;
}

void channel_keep_own(struct channel *channel, struct start *start)
{
	bool parent = start->me == ACTOR_PARENT;

	if (parent)
		fd_closep(&channel->child);
	else
		channel->parent = -1; /* the child closes it with everything that is not its own */
	start->lifeline = parent ? -1 : channel->child;
}

void channel_close(struct channel *channel)
{
	fd_closep(&channel->parent);
	fd_closep(&channel->child);
}

static int own_end(const struct channel *channel, const struct start *start)
{
	return start->me == ACTOR_PARENT ? channel->parent : channel->child;
}

static int died(enum actor from, struct err *err)
{
	return err_set(err, ECHILD, "the %s process exited without an error message",
		       sequence_actor_name(from));
}

static int protocol(enum actor from, struct err *err)
{
	return err_set(err, EPROTO, "the %s process sent an unexpected message",
		       sequence_actor_name(from));
}

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool is_message(const struct message *m, ssize_t len, const struct sock_mail *mail)
{
	if (len < LEN_REACHED || mail->damaged)
		return false;
	switch (m->kind) {
	case MESSAGE_REACHED:
		return len == LEN_REACHED;
	case MESSAGE_NOTE:
		return len == LEN_NOTE && is_text(m->note, sizeof(m->note));
	case MESSAGE_FAILED:
		return len == LEN_FAILED && err_is_whole(&m->err);
	default:
		return false;
	}
}

/* If a peer ends without reading our messages, the kernel reports a reset before it delivers the
 * peer's own last messages. */
static ssize_t receive(int sock, struct message *m, bool wait, struct sock_mail *mail)
{
	ssize_t n = sock_recv_mail(sock, m, sizeof(*m), wait, mail);

	if (n == -ECONNRESET)
		n = sock_recv_mail(sock, m, sizeof(*m), wait, mail);
	return n == -ECONNRESET ? 0 : n;
}

/* Identifies the sender. Init is introduced by its first message: the pid that the kernel reports
 * must be our child, because a privileged sender may claim any pid that it can see. */
static bool is_of(struct start *start, enum actor from, pid_t sender)
{
	if (child_is_there(&start->stager) && sender == start->stager.pid)
		return true;
	if (from != ACTOR_INIT)
		return false;
	if (child_is_there(&start->init))
		return sender == start->init.pid;
	return child_adopt(sender, &start->init) == 0;
}

/* Receives one message in the parent and checks it. Returns its length, 0 at the end, -EAGAIN if
 * the sender ended without sending any, or an error with a text. */
static ssize_t hear(struct channel *channel, struct start *start, enum actor from,
		    struct message *m, struct sock_mail *mail, struct err *err)
{
	bool first = from == ACTOR_INIT && !child_is_there(&start->init);
	const struct child *peer = from == ACTOR_INIT && !first ? &start->init : &start->stager;
	ssize_t n;
	int r;

	r = start_wait(start, channel->parent, peer, -1, err);
	if (r == 0 && first) /* a stager may leave before init has sent anything */
		r = start_wait(start, channel->parent, NULL, FIRST_WORD_MS, err);
	if (r < 0)
		return r;
	n = receive(channel->parent, m, false, mail);
	if (n == 0 || n == -EAGAIN)
		return died(from, err);
	if (n < 0)
		return err_errno(err, (int)-n, "wait for the %s", sequence_actor_name(from));
	if (!is_message(m, n, mail) || (channel->senders && !is_of(start, from, mail->sender))) {
		fd_closep(&mail->fd);
		return protocol(from, err);
	}
	return n;
}

int channel_last_words(struct channel *channel, const struct start *start, struct err *err)
{
	struct sock_mail mail;
	struct message m;
	ssize_t n;

	while ((n = receive(own_end(channel, start), &m, false, &mail)) > 0) {
		fd_closep(&mail.fd);
		if (is_message(&m, n, &mail) && m.kind == MESSAGE_FAILED)
			return err_take(err, &m.err);
	}
	return 0;
}

/* A peer that is gone may have reported the reason before it ended. */
static int peer_gone(struct channel *channel, const struct start *start, enum actor peer,
		     struct err *err)
{
	int r = channel_last_words(channel, start, err);

	return r < 0 ? r : died(peer, err);
}

static int send_notes(int sock, struct start *start)
{
	struct message m = { .kind = MESSAGE_NOTE };

	for (size_t i = 0; i < start->n_notes; i++) {
		int r;

		(void)strncpy(m.note, start->notes[i], sizeof(m.note) - 1);
		r = filter_load_pass(start->filter.handover, sock, &m, LEN_NOTE, -1);
		if (r < 0)
			return r;
	}
	start->n_notes = 0;
	return 0;
}

int channel_tell(struct channel *channel, struct start *start, enum actor to, size_t row, int fd,
		 struct err *err)
{
	struct message m = { .kind = MESSAGE_REACHED, .row = (uint32_t)row };
	int sock = own_end(channel, start), r = 0;

	if (to == ACTOR_PARENT)
		r = send_notes(sock, start);
	/* A seccomp agent may deny system calls that its profile sends to it. */
	if (r == 0)
		r = filter_load_pass(start->filter.handover, sock, &m, LEN_REACHED, fd);
	if (r == -EPIPE || r == -ECONNRESET)
		return peer_gone(channel, start, to, err);
	return r < 0 ? err_errno(err, -r, "tell the %s", sequence_actor_name(to)) : 0;
}

/* The parent only reports progress, and ends by closing its channel. */
static int await_parent(struct channel *channel, size_t row, struct err *err)
{
	struct sock_mail mail;
	struct message m;
	ssize_t n = receive(channel->child, &m, true, &mail);

	fd_closep(&mail.fd);
	if (n == 0)
		return died(ACTOR_PARENT, err);
	if (n < 0)
		return err_errno(err, (int)-n, "wait for the parent");
	if (!is_message(&m, n, &mail) || m.kind != MESSAGE_REACHED || m.row != row)
		return protocol(ACTOR_PARENT, err);
	return 0;
}

/* While the parent waits for init's message, a stager not heard yet can report only a failure. */
static bool is_row(const struct start *start, const struct message *m, const struct sock_mail *mail,
		   enum actor from, size_t row)
{
	bool stager = child_is_there(&start->stager) && mail->sender == start->stager.pid;

	return m->row == row && (from == ACTOR_STAGER || !stager);
}

int channel_await(struct channel *channel, struct start *start, enum actor from, size_t row,
		  int *ret_fd, struct err *err)
{
	if (from == ACTOR_PARENT)
		return await_parent(channel, row, err);
	for (size_t notes = 0; notes <= START_MAX_NOTES; notes++) {
		_cleanup_close_ int fd = -1;
		struct sock_mail mail;
		struct message m;
		ssize_t n = hear(channel, start, from, &m, &mail, err);

		if (n < 0)
			return (int)n;
		fd = mail.fd;
		if (fd >= 0 && (m.kind != MESSAGE_REACHED || !ret_fd))
			return protocol(from, err);
		if (m.kind == MESSAGE_FAILED)
			return err_take(err, &m.err);
		if (m.kind == MESSAGE_NOTE) {
			start_note(start, "%s", m.note);
			continue;
		}
		if (!is_row(start, &m, &mail, from, row))
			return protocol(from, err);
		if (ret_fd)
			*ret_fd = fd_take(&fd);
		return 0;
	}
	return protocol(from, err);
}

/* End of file means an exec, a death, or an attacker's trick. */
static int judge_end(struct start *start, struct err *err)
{
	int status, executed = program_was_executed(start->init.pid);
	/* Nothing else will ever report how a detached container ended. */
	bool alone = start->state_dir >= 0 && start->plan->options->detach;

	if (executed == 0)
		return died(ACTOR_INIT, err);
	if ((executed < 0 || alone) && child_has_ended(&start->init, &status) > 0 &&
	    WIFSIGNALED(status))
		return died(ACTOR_INIT, err);
	/* From now on, signals are for the program and do not end our hooks. */
	start->signals.ended_by = 0;
	*err = (struct err){ 0 };
	return 0;
}

int channel_await_exec(struct channel *channel, struct start *start, struct err *err)
{
	struct sock_mail mail;
	struct message m;
	ssize_t n = hear(channel, start, ACTOR_INIT, &m, &mail, err);

	if (n == -ECHILD)
		return judge_end(start, err);
	if (n < 0)
		return (int)n;
	fd_closep(&mail.fd);
	return m.kind == MESSAGE_FAILED ? err_take(err, &m.err) : protocol(ACTOR_INIT, err);
}

int channel_wait_on(int sock, pid_t init, int pidfd, struct err *err)
{
	struct pollfd fds[] = { { .fd = sock, .events = POLLIN },
				{ .fd = pidfd_to_poll(pidfd), .events = POLLIN } };
	struct sock_mail mail;
	struct message m;
	ssize_t n;

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	n = receive(sock, &m, false, &mail);
	fd_closep(&mail.fd);
	if (n > 0 && is_message(&m, n, &mail) && m.kind == MESSAGE_FAILED)
		return err_take(err, &m.err);
	if (n != 0 && n != -EAGAIN)
		return n < 0 ? err_errno(err, (int)-n, "wait for the container's process")
			     : protocol(ACTOR_INIT, err);
	/* A process that no longer exists was reaped by its parent, so how it ended is unknown. */
	return program_was_executed(init) == 0 ? died(ACTOR_INIT, err) : 0;
}

void channel_fail_on(int sock, const struct err *err)
{
	struct message m = { .kind = MESSAGE_FAILED, .err = *err };

	(void)sock_send(sock, &m, LEN_FAILED, -1);
}

void channel_fail(struct channel *channel, const struct err *err)
{
	channel_fail_on(channel->child, err);
}
