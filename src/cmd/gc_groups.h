/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroups that only their marks lead to: of a container whose state is gone, and of a `doctor` that
 * was killed. */
#pragma once

#include "src/base/str.h"
#include "src/state/store.h"

/* Removals, also those that dry_run only announces, are listed in `said`, a line each. A populated
 * cgroup, or one that may be another's, stays. */
int gc_groups(struct arena *arena, struct store *store, bool dry_run, struct str *said,
	      struct err *err) MUST_CHECK;
