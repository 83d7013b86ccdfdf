/* SPDX-License-Identifier: Apache-2.0 */
/* slirp4netns, started before the namespaces that it serves exist: to load it takes as long as to
 * create them.
 *
 * It is given the pid of a process that will join them, the guide. A seccomp filter holds it where
 * it creates a pair of sockets, its last call before it opens the guide's namespaces, until the
 * guide has joined. If anything goes wrong before that (a kernel older than 5.5, a caller that is
 * under a listener already, another slirp4netns), the caller starts it again without all this, and
 * what is really wrong is reported then.
 *
 * Only for a user namespace in which nothing of the container runs yet: whoever may trace processes
 * there may trace the guide, whose root is the host's. And not for root, as which slirp4netns does
 * not join the user namespace before it creates its sandbox. */
#pragma once

#include "src/sys/child.h"

struct net_hold {
	struct child guide;
	int guide_sock; /* ends the guide when it is closed */
	int listener_sock[2],
		listener; /* the listener comes by the socket: here, the helper's end */
};

#define NET_HOLD_NONE                                                                              \
	{                                                                                          \
		.guide = CHILD_NONE, .guide_sock = -1, .listener_sock = { -1, -1 }, .listener = -1 \
	}

/* Starts the guide. 0 or -errno. */
int net_hold_begin(struct net_hold *hold);

/* In the helper: from here on it is held when it creates a pair of sockets. 0 or -errno. */
int net_hold_enter(const struct net_hold *hold);

/* In the parent, once the helper is forked. */
void net_hold_started(struct net_hold *hold);

struct net_hold_ends { /* pidfds of those without whom there is nothing to wait for */
	int helper, init;
};

/* Waits at most timeout_ms until the helper is held. */
bool net_hold_is_held(struct net_hold *hold, const struct net_hold_ends *ends, int timeout_ms);

/* Lets the guide join the network namespace of the socket `member` and the user namespace that owns
 * it, and create the device, which it must have done within timeout_ms; then the helper goes on. 0,
 * or -errno: the helper is useless. */
int net_hold_release(struct net_hold *hold, int member, const struct net_hold_ends *ends,
		     int timeout_ms);

/* Kills the guide, which the helper needs until it is ready; and waits for its end, too. */
void net_hold_dismiss(const struct net_hold *hold);
void net_hold_end(struct net_hold *hold);
