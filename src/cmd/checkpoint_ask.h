/* SPDX-License-Identifier: Apache-2.0 */
/* The request that makes CRIU write a container to files: for `checkpoint`, and for `explain`,
 * which only prints it. */
#pragma once

#include "src/cmd/checkpoint_look.h"
#include "src/cmd/criu_options.h"
#include "src/oci/state_doc.h"

struct checkpoint_ask {
	struct arena *arena;
	const struct state *state; /* of a running or paused container */
	bool paused;
	const struct oci_config *config;
	const struct criu_options *options;
};

/* The whole request but for descriptors and file contents. Refuses what CRIU cannot save or
 * restore. */
int checkpoint_ask(const struct checkpoint_ask *ask, struct rpc_opts *ret,
		   struct checkpoint_look *ret_seen, struct err *err) MUST_CHECK;
