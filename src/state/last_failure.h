/* SPDX-License-Identifier: Apache-2.0 */
/* The record of the last failed start, in the file ROOT.failed beside the state directory, for
 * `explain ID`: nothing is left of its state. Only for the usual directory: callers that set
 * --root, as engines do, find nothing unexpected in it or beside it. */
#pragma once

#include "src/state/store.h"

/* Replaces it. 0, also if nothing is kept. */
int last_failure_keep(const struct store *store, const char *id, const char *text,
		      struct err *err) MUST_CHECK;

/* The text, or NULL: the last one that failed has another id. */
const char *last_failure_of(const struct store *store, const char *id, struct arena *arena);

/* Removes it once it is a day old: 1 if it was removed, or would be. */
int last_failure_remove(const struct store *store, bool dry_run, struct arena *arena,
			struct err *err) MUST_CHECK;
