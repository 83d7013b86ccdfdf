/* SPDX-License-Identifier: Apache-2.0 */
/* What a child does before it executes the program that gives a container its network. */
#pragma once

#include "net/net_plan.h"
#include "src/base/err.h"

#include <sys/types.h>

struct net_exec {
	const struct net_plan *plan;
	const char *id;      /* of the container, for titles */
	const char *program; /* absolute path; not for a proxy */
	int netns, userns;   /* of the container; userns -1: it is ours */
	int listener;        /* NET_PROXY: the socket that it serves */
	int api;             /* directory for the socket of slirp4netns, O_PATH; or -1 */
	int ready, exit;     /* ends of pipes: to write to when ready, and that hangs up */
	pid_t keeper;        /* the pid whose end ends it */
};

/* Returns only on failure. Standard error is where the program says why it fails. */
int net_exec_run(struct arena *arena, const struct net_exec *what, struct err *err) MUST_CHECK;
