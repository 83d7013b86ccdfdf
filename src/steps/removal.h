/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a container: what it left is taken back, its state last, and then its poststop hooks
 * run. Whoever has its lock calls this, so that they run once. */
#pragma once

#include "src/oci/config.h"
#include "src/state/store.h"

/* config: NULL: the copy of it, if there is one, says which hooks there are. When something is
 * left, the state stays to tell of it, and no hook runs. A failing hook is a warning: the container
 * is gone. */
int removal_run(struct store *store, int dirfd, const struct state *state,
		const struct oci_config *config, struct err *err) MUST_CHECK;
