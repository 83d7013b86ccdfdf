/* SPDX-License-Identifier: Apache-2.0 */
/* The child's side of starting the program that provides a container's network. */
#pragma once

#include "net/net_plan.h"
#include "src/base/err.h"

#include <sys/types.h>

struct net_hold;

struct net_exec {
	const struct net_plan *plan;
	const char *id;              /* of the container, for process titles */
	const char *program;         /* absolute path; not for a proxy */
	const struct net_hold *hold; /* slirp4netns is held until the namespaces exist; or NULL */
	bool root;                   /* with hold: the user namespace will have an id 0 */
	int netns, userns;           /* of the container; userns is -1 if it is ours */
	int member; /* a socket of the network namespace; of NET_PROXY: which the proxy serves */
	int api;    /* directory for the socket of slirp4netns, O_PATH; or -1 */
	int ready, exit; /* pipe ends: one to write to when ready, one whose hang-up means exit */
	pid_t keeper;    /* the helper dies with this pid */
};

/* Returns only on failure. The program reports its errors on standard error. */
int net_exec_run(struct arena *arena, const struct net_exec *what, struct err *err) MUST_CHECK;
