/* SPDX-License-Identifier: Apache-2.0 */
/* The outside process that gives a container its network, and the keeper that ends it.
 *
 * slirp4netns would outlive the container, and so would whatever serves a proxy. Therefore a fork
 * of usrun, the keeper, becomes the helper's parent: it watches the container's init through a
 * pidfd, which works on every kernel, and then ends the helper. If the keeper itself is killed,
 * slirp4netns sees its exit pipe hang up, and the others get their parent-death signal. None of
 * this needs usrun, which may be long gone by then. */
#pragma once

#include "net/net_plan.h"
#include "src/sys/child.h"

struct net_helper_request {
	const struct net_plan *plan;
	const char *id;      /* of the container, for process titles */
	const char *program; /* absolute path; not for a proxy */
	int api;             /* directory for the socket of slirp4netns, O_PATH; or -1 */
	bool quiet;          /* nobody is left to read the proxy's output */
	bool early;          /* net/net_hold.h allows it */
	bool root;           /* with early: the user namespace will have an id 0 */
};

/* The absolute path of a program in PATH or a usual system directory. The error names its
 * package. */
int net_helper_find(struct arena *arena, const char *name, const char **ret,
		    struct err *err) MUST_CHECK;

/* Forks the keeper, which then waits, and loads the helper meanwhile if it may start early.
 * *ret_answer is for net_helper_go(), and for net_helper_answer() once it is readable; if it is
 * closed before, the keeper ends, and with it whatever it has started. */
int net_helper_start(const struct net_helper_request *request, struct child *ret_keeper,
		     int *ret_answer, struct err *err) MUST_CHECK;

/* Lets the keeper give the container its network, now that the state on disk names it. member is a
 * socket of the container's network namespace: from rtnl_open(), or the listening one for
 * NET_PROXY. The helper ends when init does. */
int net_helper_go(int answer, int member, const struct child *init, struct err *err) MUST_CHECK;

/* 0 once the network is ready and all ports are published; otherwise the reason. */
int net_helper_answer(int answer, struct err *err) MUST_CHECK;
