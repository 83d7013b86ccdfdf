/* SPDX-License-Identifier: Apache-2.0 */
/* The record of the last failed start, for `explain ID`, because a failed start leaves no state. It
 * is the file ROOT.failed beside the state directory, and only for the usual one: callers that set
 * --root, as engines do, expect no extra files in it or beside it. */
#pragma once

#include "src/state/store.h"

/* Replaces the record. Returns 0 also if nothing is kept. */
int last_failure_keep(const struct store *store, const char *id, const char *text,
		      struct err *err) MUST_CHECK;

/* The text, or NULL if the last failure was of another id. */
const char *last_failure_of(const struct store *store, const char *id, struct arena *arena);

/* Removes the record if it is more than a day old. Returns 1 if it was removed, or would be. */
int last_failure_remove(const struct store *store, bool dry_run, struct arena *arena,
			struct err *err) MUST_CHECK;
