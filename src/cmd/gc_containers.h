/* SPDX-License-Identifier: Apache-2.0 */
/* Removes the remains of containers that are provably dead. */
#pragma once

#include "src/base/str.h"
#include "src/state/store.h"

/* Lists removals in `said`, a line each, also those that dry_run only announces. Returns the first
 * failure, but removes the rest all the same. */
int gc_containers(struct arena *arena, struct store *store, bool dry_run, struct str *said,
		  struct err *err) MUST_CHECK;

/* The prefix that `do` uses for a sandbox without a name. */
#define GC_SANDBOX "do-"

/* The same for sandboxes without a name only, and silently: nobody knows that they exist. */
void gc_sandboxes(struct arena *arena, struct store *store);
