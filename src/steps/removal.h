/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a container: whatever it left on the host is removed, its state last; then its
 * poststop hooks run. Called with the container's lock held, so that they run only once. */
#pragma once

#include "src/oci/config.h"
#include "src/state/store.h"

/* config: NULL: the saved copy, if any, says which hooks there are. If something cannot be removed,
 * the state is kept to record it, and no hook runs. A failing hook is only a warning: the container
 * is gone. */
int removal_run(struct store *store, int dirfd, const struct state *state,
		const struct oci_config *config, struct err *err) MUST_CHECK;
