/* SPDX-License-Identifier: Apache-2.0 */
/* What CRIU is asked to do to write a container to files: for `checkpoint`, and for `explain`,
 * which only shows it. */
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

/* Everything but the descriptors, and what is in the files themselves. Refuses what CRIU cannot
 * save, or what could not be restored. */
int checkpoint_ask(const struct checkpoint_ask *ask, struct rpc_opts *ret,
		   struct checkpoint_look *ret_seen, struct err *err) MUST_CHECK;
