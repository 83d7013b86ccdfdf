/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a container: removes everything it left on the host, its state last, then runs its
 * poststop hooks. Call it with the container's lock held, so that they run only once. */
#pragma once

#include "src/oci/config.h"
#include "src/state/store.h"
#include "src/sys/signals.h"

struct removal {
	const struct oci_config *config; /* NULL: the hooks come from the saved copy, if any */
	const struct signals *signals;   /* for the hooks; NULL: none are blocked */
};

/* how may be NULL. If something cannot be removed, the state stays to record it and no hook runs. A
 * failing hook is only a warning: the container is gone. */
int removal_run(struct store *store, int dirfd, const struct state *state,
		const struct removal *how, struct err *err) MUST_CHECK;
