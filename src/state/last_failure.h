/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of the last start that failed, in the file ROOT.failed beside the state directory,
 * for `explain ID`: of its state nothing is left. Only where that is the usual directory: who names
 * one by --root, as engines do, finds nothing in it or beside it that nobody told of. */
#pragma once

#include "src/state/store.h"

/* Replaces what is there. 0, also where nothing is kept. */
int last_failure_keep(const struct store *store, const char *id, const char *text,
		      struct err *err) MUST_CHECK;

/* The text, or NULL: the last that failed was another one. */
const char *last_failure_of(const struct store *store, const char *id, struct arena *arena);

/* Removes it, once it is a day old: 1 where it is, or would be. */
int last_failure_remove(const struct store *store, bool dry_run, struct arena *arena,
			struct err *err) MUST_CHECK;
