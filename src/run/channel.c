/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/channel.h"

#include "src/base/fd.h"
#include "src/security/filter_notify.h"
#include "src/sys/sock.h"

#include <string.h>

enum message_kind { MESSAGE_REACHED, MESSAGE_NOTE, MESSAGE_FAILED };

struct message {
	uint32_t kind, row;
	int32_t init;
	union {
		char note[640];
		struct err err;
	};
};

struct channels {
	int ends[ACTOR_COUNT][ACTOR_COUNT]; /* [mine][peer's] */
};

int channel_open(struct arena *arena, struct channels **ret, struct err *err)
{
	struct channels *channels = arena_new(arena, struct channels);
	int pair[2], r;

	for (int a = 0; a < ACTOR_COUNT; a++)
		for (int b = 0; b < ACTOR_COUNT; b++)
			channels->ends[a][b] = -1;
	for (int child = ACTOR_STAGER; child <= ACTOR_INIT; child++) {
		r = sock_pair(pair, err);
		if (r < 0)
			return r;
		channels->ends[ACTOR_PARENT][child] = pair[0];
		channels->ends[child][ACTOR_PARENT] = pair[1];
	}
	*ret = channels;
	return 0;
}

void channel_keep_own(struct channels *channels, enum actor me)
{
	for (int a = 0; a < ACTOR_COUNT; a++)
		for (int b = 0; b < ACTOR_COUNT; b++)
			if (a != (int)me && !(me == ACTOR_STAGER && a == ACTOR_INIT))
				fd_closep(&channels->ends[a][b]);
}

void channel_close(struct channels *channels)
{
	for (int a = 0; a < ACTOR_COUNT; a++)
		for (int b = 0; b < ACTOR_COUNT; b++)
			fd_closep(&channels->ends[a][b]);
}

static int send_notes(int sock, struct run *run)
{
	struct message m = { .kind = MESSAGE_NOTE };

	for (size_t i = 0; i < run->n_notes; i++) {
		int r;

		(void)strncpy(m.note, run->notes[i], sizeof(m.note) - 1);
		r = filter_notify_pass(run->filter.handover, sock, &m,
				       offsetof(struct message, note) + sizeof(m.note), -1);
		if (r < 0)
			return r;
	}
	run->n_notes = 0;
	return 0;
}

static int died(enum actor from, struct err *err)
{
	return err_set(err, ECHILD, "the %s process ended without a word",
		       sequence_actor_name(from));
}

/* A peer that ended with words of ours unread resets the connection, which the kernel reports before the
 * peer's own words. */
static ssize_t receive(int sock, struct message *m, int *ret_fd)
{
	ssize_t n = sock_recv(sock, m, sizeof(*m), ret_fd);

	return n == -ECONNRESET ? sock_recv(sock, m, sizeof(*m), ret_fd) : n;
}

/* A peer that is not there any more has perhaps said why, before it was told. */
static int peer_gone(int sock, enum actor peer, struct err *err)
{
	struct message m;
	int fd = -1;

	while (receive(sock, &m, &fd) > 0) {
		fd_closep(&fd);
		if (m.kind == MESSAGE_FAILED) {
			*err = m.err;
			return err->code > 0 ? -err->code : -EINVAL;
		}
	}
	return died(peer, err);
}

int channel_tell(struct channels *channels, struct run *run, enum actor to, size_t row, int fd,
		 struct err *err)
{
	int sock = channels->ends[run->me][to], r = 0;
	struct message m = { .kind = MESSAGE_REACHED, .row = (uint32_t)row, .init = run->init.pid };

	if (to == ACTOR_PARENT)
		r = send_notes(sock, run);
	/* An agent may refuse what its profile does not let through. */
	if (r == 0)
		r = filter_notify_pass(run->filter.handover, sock, &m,
				       offsetof(struct message, note), fd);
	if (r == -EPIPE || r == -ECONNRESET)
		return peer_gone(sock, to, err);
	return r < 0 ? err_errno(err, -r, "tell the %s", sequence_actor_name(to)) : 0;
}

int channel_await(struct channels *channels, struct run *run, enum actor from, size_t row,
		  int *ret_fd, struct err *err)
{
	int sock = channels->ends[run->me][from];
	struct message m;

	for (;;) {
		ssize_t n = receive(sock, &m, ret_fd);

		if (n < 0 && n != -ECONNRESET)
			return err_errno(err, (int)-n, "wait for the %s",
					 sequence_actor_name(from));
		if (n <= 0)
			return died(from, err);
		if (m.kind == MESSAGE_NOTE) {
			run_note(run, "%s", m.note);
			continue;
		}
		if (m.kind == MESSAGE_FAILED) {
			*err = m.err;
			return err->code > 0 ? -err->code : -EINVAL;
		}
		if (m.row != row)
			return err_set(err, EPROTO, "the %s sent message %u instead of %zu",
				       sequence_actor_name(from), m.row, row);
		if (run->me == ACTOR_PARENT && m.init > 0 && !child_is_there(&run->init) &&
		    child_adopt(m.init, &run->init) < 0)
			return err_set(err, EPROTO, "the %s named a process that is not ours",
				       sequence_actor_name(from));
		return 0;
	}
}

int channel_wait_on(int sock, struct err *err)
{
	struct message m;
	int fd = -1;
	ssize_t n = receive(sock, &m, &fd);

	fd_closep(&fd);
	if (n < 0 && n != -ECONNRESET)
		return err_errno(err, (int)-n, "wait for the container's process");
	if (n <= 0 || m.kind != MESSAGE_FAILED)
		return 0;
	*err = m.err;
	return err->code > 0 ? -err->code : -EINVAL;
}

int channel_await_end(struct channels *channels, struct run *run, enum actor from, struct err *err)
{
	return channel_wait_on(channels->ends[run->me][from], err);
}

void channel_fail_on(int sock, const struct err *err)
{
	struct message m = { .kind = MESSAGE_FAILED, .err = *err };

	(void)sock_send(sock, &m, sizeof(m), -1);
}

void channel_fail(struct channels *channels, enum actor me, const struct err *err)
{
	channel_fail_on(channels->ends[me][ACTOR_PARENT], err);
}
