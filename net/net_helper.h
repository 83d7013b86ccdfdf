/* SPDX-License-Identifier: Apache-2.0 */
/* The process outside that gives a container its network, and the keeper that ends it.
 *
 * slirp4netns stays when the container has ended, and so does whatever serves a proxy. So a fork of
 * usrun, the keeper, is its parent: it watches the container's first process by pidfd, which tells
 * of its end on every kernel, and ends the helper then. When the keeper itself is killed,
 * slirp4netns sees its exit pipe hang up, and others get the signal of a parent's death. Nothing of
 * this needs usrun, which may have been killed long before. */
#pragma once

#include "net/net_plan.h"
#include "src/sys/child.h"

struct net_helper_request {
	const struct net_plan *plan;
	const char *id;      /* of the container, for titles */
	const char *program; /* absolute path; not for a proxy */
	/* Of the container's network namespace: of rtnl_open(), or, NET_PROXY, what listens. */
	int member;
	int api;                  /* directory for the socket of slirp4netns, O_PATH; or -1 */
	bool quiet;               /* nobody is left to read a proxy's output */
	const struct child *init; /* everything ends with it */
};

/* Absolute path of a program in PATH or where distributions put it. The error names its package. */
int net_helper_find(struct arena *arena, const char *name, const char **ret,
		    struct err *err) MUST_CHECK;

/* Forks the keeper, which starts nothing yet. *ret_answer is for net_helper_go(), and for
 * net_helper_answer() once it can be read; when it is closed before, the keeper ends. */
int net_helper_start(const struct net_helper_request *request, struct child *ret_keeper,
		     int *ret_answer, struct err *err) MUST_CHECK;

/* The keeper may start the helper: the state on disk names it. */
int net_helper_go(int answer, struct err *err) MUST_CHECK;

/* 0 if the network is ready and all ports are published; otherwise why not. */
int net_helper_answer(int answer, struct err *err) MUST_CHECK;
