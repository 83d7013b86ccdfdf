/* SPDX-License-Identifier: Apache-2.0 */
/* `criu swrk`: CRIU as a child that serves one request over a socket, and waits for an answer at
 * each of its notifications. No library is linked; rpc.h has the protocol.
 *
 * CRIU is not killed when we die. In the middle of a dump that would leave processes that run
 * CRIU's code instead of theirs, and in the middle of a restore those created so far. Instead it
 * sees the socket hang up, undoes its work, and exits. A CRIU that waits for another host would
 * not, and would keep the container frozen: for that case a process of ours ends it. */
#pragma once

#include "src/criu/rpc.h"
#include "src/sys/child.h"
#include "src/sys/signals.h"

/* Finds the program: asked (--criu), else in PATH or a usual system directory. The error says how
 * to get it. */
int swrk_find(struct arena *arena, const char *asked, const char **ret, struct err *err) MUST_CHECK;

/* Whether a program is found in PATH or a usual system directory. */
bool swrk_has_program(struct arena *arena, const char *name);

struct swrk {
	struct child child;
	struct child watch; /* ends CRIU if we have died and CRIU does not end */
	int lifeline;       /* tells the watch that we live */
	int sock, words;    /* words: its standard error until it opens its log */
	/* To the child that waits before exec, and reports an exec failure there. */
	int gate;
	struct signals *signals; /* signals that end the wait; or NULL */
	int subject; /* pidfd of the restored process, or -1: if that is killed, CRIU may wait for
		      * ever */
	/* The last notification. */
	struct rpc_response last;
	int fd;        /* its descriptor, or -1 */
	bool finished; /* the request has been answered */
};

struct swrk_start {
	const char *path;
	const int *fds; /* descriptors that CRIU gets, under the same numbers */
	size_t n_fds;
	uint64_t clone_flags;
	int cgroup_fd;    /* of struct clone_request */
	bool keeps_input; /* it gets our standard input: a terminal, for --shell-job */
	/* Called in the child before exec; may be NULL. */
	int (*prepare)(void *data, struct err *err);
	void *data;
};

/* Clones the child, which then waits, so that it can be moved to where CRIU should run. */
int swrk_clone(const struct swrk_start *how, struct swrk *ret, struct err *err) MUST_CHECK;

/* Lets the child prepare itself and execute CRIU. */
int swrk_exec(struct swrk *swrk, struct err *err) MUST_CHECK;

/* Both. */
int swrk_start(const struct swrk_start *how, struct swrk *ret, struct err *err) MUST_CHECK;

/* Sends a request, as one packet. */
int swrk_send(struct swrk *swrk, const struct rpc_request *request, struct err *err) MUST_CHECK;

/* Answers the pending notification, if any, and waits for the next one: sets swrk->last, or
 * finished. If the request failed, returns -EREMOTEIO with a generic error; the log says why. */
int swrk_next(struct swrk *swrk, struct err *err) MUST_CHECK;

/* Hangs up if CRIU has not ended, waits until it has undone or finished its work, and only then
 * kills it. swrk_leave() is given the process, in case it no longer belongs to swrk. */
void swrk_leave(struct swrk *swrk, struct child *child);
void swrk_done(struct swrk *swrk);
