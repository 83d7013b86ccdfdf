/* SPDX-License-Identifier: Apache-2.0 */
/* What a dump must know about a running container beyond its config. */
#pragma once

#include "src/oci/config.h"
#include "src/plan/plan_criu.h"

struct checkpoint_look {
	const char *mountinfo;
	const char *const *real; /* where each mount of the config is, links followed; or NULL */
	/* The standard streams of the first process, and the host's null device behind any other
	 * descriptor: shells move theirs there. */
	const struct plan_criu_stream *streams;
	size_t n_streams;
	const char
		*strays; /* "PID (NAME), ..." of processes that are not below the first; or NULL */
	const char *external_net, *external_pid; /* of rpc_opts: joined by the container; or NULL */
};

/* pids: all processes of the container, the first one first. */
int checkpoint_look(struct arena *arena, const pid_t *pids, size_t n,
		    const struct oci_config *config, struct checkpoint_look *ret,
		    struct err *err) MUST_CHECK;
