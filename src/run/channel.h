/* SPDX-License-Identifier: Apache-2.0 */
/* Named, one-way messages between the processes of a start. A message is one datagram; a failure is sent
 * as the struct err it is, so that it reaches the user word for word. */
#pragma once

#include "src/run/sequence.h"

struct channels; /* one socket pair for each child */

/* Opens the pairs; in the parent, before the first clone. */
int channel_open(struct arena *arena, struct channels **ret, struct err *err) MUST_CHECK;

/* Right after each clone, in both processes: closes every end that is not `me`'s, or a dead peer would
 * never read as end of file. A stager keeps init's end, to hand it on. */
void channel_keep_own(struct channels *channels, enum actor me);

/* Closes all ends. */
void channel_close(struct channels *channels);

/* Tells `to` that the row was reached; sends the notes of run, init's pid, and fd when >= 0. */
int channel_tell(struct channels *channels, struct run *run, enum actor to, size_t row, int fd,
		 struct err *err) MUST_CHECK;

/* Waits for that message. Sets run->init and adds notes; *ret_fd is -1 when none came. When the peer
 * failed, err is its error; when it died without a word, -ECHILD. */
int channel_await(struct channels *channels, struct run *run, enum actor from, size_t row,
		  int *ret_fd, struct err *err) MUST_CHECK;

/* 0 when `from` closes its end (a successful exec does that), or its error. */
int channel_await_end(struct channels *channels, struct run *run, enum actor from,
		      struct err *err) MUST_CHECK;

/* Reports a child's failure to the parent; also for a start socket's connection (channel_fail_on). */
void channel_fail(struct channels *channels, enum actor me, const struct err *err);
void channel_fail_on(int sock, const struct err *err);

/* The other side of channel_fail_on(): 0 at end of file, or the error. */
int channel_wait_on(int sock, struct err *err) MUST_CHECK;
