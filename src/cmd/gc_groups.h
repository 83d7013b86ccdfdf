/* SPDX-License-Identifier: Apache-2.0 */
/* Groups that nothing leads to any more but their marks: of a container whose state is gone, and of
 * a `doctor` that was killed. */
#pragma once

#include "src/base/str.h"
#include "src/state/store.h"

/* What is removed, or with dry_run would be, is told in `said`, a line each. One with a process in
 * it, or that may be another's, stays. */
int gc_groups(struct arena *arena, struct store *store, bool dry_run, struct str *said,
	      struct err *err) MUST_CHECK;
