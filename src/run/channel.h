/* SPDX-License-Identifier: Apache-2.0 */
/* Named, one-way messages between the processes of a start. A message is one datagram; a failure is
 * sent as the struct err it is, so that it reaches the user word for word.
 *
 * Once a child of ours is visible in a container, anyone who may trace it there can send anything
 * in its name. So the parent takes from a message only texts and the descriptor that the row
 * carries, and takes the sender from the kernel; a message that does not match its row exactly
 * aborts the start. */
#pragma once

#include "src/run/sequence.h"

/* One socket pair for all: init inherits the stager's end and takes over its role. */
struct channel;

/* Opens the pair, in the parent before the first clone. */
int channel_open(struct arena *arena, bool stager, struct channel **ret,
		 struct err *err) MUST_CHECK;

/* For both processes, right after the clone: closes the other's end (in a child, start_keep_own()
 * does), since a peer's death would otherwise not read as end of file. In a child, start->lifeline
 * is its own end. */
void channel_keep_own(struct channel *channel, struct start *start);

void channel_close(struct channel *channel);

/* Tells `to` that the row was reached; sends the notes of the start, and fd if it is >= 0. */
int channel_tell(struct channel *channel, struct start *start, enum actor to, size_t row, int fd,
		 struct err *err) MUST_CHECK;

/* Waits for that message and adds its notes. *ret_fd is -1 if no descriptor came; NULL: the row
 * carries none. From init's first message the parent learns which process it is: the sender named
 * by the kernel, which must be the parent's child. If the peer failed, err is its error; if it died
 * silently, -ECHILD. */
int channel_await(struct channel *channel, struct start *start, enum actor from, size_t row,
		  int *ret_fd, struct err *err) MUST_CHECK;

/* For the parent: 0 once init has executed its program, which closes its end; or init's error. */
int channel_await_exec(struct channel *channel, struct start *start, struct err *err) MUST_CHECK;

/* Replaces err with a failure that a peer has reported but nobody has read yet. 0: there is none,
 * and err stays. */
int channel_last_words(struct channel *channel, const struct start *start, struct err *err);

/* Reports a child's failure to the parent; also for a start socket's connection
 * (channel_fail_on). */
void channel_fail(struct channel *channel, const struct err *err);
void channel_fail_on(int sock, const struct err *err);

/* The receiving side of channel_fail_on(), for `start`, whose child init is not: 0 once init has
 * executed its program, or its error. */
int channel_wait_on(int sock, pid_t init, int pidfd, struct err *err) MUST_CHECK;
