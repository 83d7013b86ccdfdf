/* SPDX-License-Identifier: Apache-2.0 */
/* `criu swrk`: CRIU as a child that serves one request over a socket and stops at its
 * notifications until they are answered. Nothing is linked: what is spoken is in rpc.h.
 *
 * It is not killed with us. Killed in the middle of a dump it would leave processes that run its
 * code instead of theirs, and in the middle of a restore those that it has made so far. When we
 * end, however that is, the socket hangs up: then CRIU takes back what it did, and ends. One that
 * waits for another host would not, and hold the container meanwhile: a process of ours ends it. */
#pragma once

#include "src/criu/rpc.h"
#include "src/sys/child.h"
#include "src/sys/signals.h"

/* The program: asked (--criu), else found in PATH or where distributions put it. The text of the
 * error says how to get one. */
int swrk_find(struct arena *arena, const char *asked, const char **ret, struct err *err) MUST_CHECK;

/* Whether a program is found in that way. */
bool swrk_has_program(struct arena *arena, const char *name);

struct swrk {
	struct child child;
	struct child watch; /* ends it when we have ended and it does not */
	int lifeline;       /* to that one */
	int sock, words;    /* words: what it says before it has its log */
	/* To the child that waits before the program, which says there why it cannot be run. */
	int gate;
	struct signals *signals; /* of those who must not wait for ever; or NULL */
	int subject; /* pidfd of what is restored: CRIU may wait for ever once that was killed; or
			-1 */
	/* Of the last notification. */
	struct rpc_response last;
	int fd;        /* that came with it, or -1 */
	bool finished; /* the request has been answered */
};

struct swrk_start {
	const char *path;
	const int *fds; /* that it gets, by their numbers */
	size_t n_fds;
	uint64_t clone_flags;
	int cgroup_fd;    /* of struct clone_request */
	bool keeps_input; /* its standard input is ours: a terminal, with --shell-job */
	/* In the child, before the program; may be NULL. */
	int (*prepare)(void *data, struct err *err);
	void *data;
};

/* Clones it. It waits, so that it can be put where it is to run. */
int swrk_clone(const struct swrk_start *how, struct swrk *ret, struct err *err) MUST_CHECK;

/* Lets it prepare itself and execute the program. */
int swrk_exec(struct swrk *swrk, struct err *err) MUST_CHECK;

/* Both. */
int swrk_start(const struct swrk_start *how, struct swrk *ret, struct err *err) MUST_CHECK;

/* One packet. */
int swrk_send(struct swrk *swrk, const struct rpc_request *request, struct err *err) MUST_CHECK;

/* Answers the notification at which it waits, if any, and proceeds to the next: swrk->last, or
 * finished. A generic error if the request has failed: -EREMOTEIO, and the log says why. */
int swrk_next(struct swrk *swrk, struct err *err) MUST_CHECK;

/* Hangs up if it has not ended, waits until it has undone or finished its work, and only then kills
 * it. The first names the process if that no longer belongs to swrk. */
void swrk_leave(struct swrk *swrk, struct child *child);
void swrk_done(struct swrk *swrk);
