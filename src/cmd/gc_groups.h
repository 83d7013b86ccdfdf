/* SPDX-License-Identifier: Apache-2.0 */
/* Removes cgroups that only their marks lead to: of a container whose state is gone, and of a
 * `doctor` that was killed. */
#pragma once

#include "src/base/str.h"
#include "src/state/store.h"

/* Lists removals in `said`, a line each, also those that dry_run only announces. Keeps cgroups that
 * are populated or may belong to others. */
int gc_groups(struct arena *arena, struct store *store, bool dry_run, struct str *said,
	      struct err *err) MUST_CHECK;
