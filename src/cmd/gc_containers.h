/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of containers that are provably dead. */
#pragma once

#include "src/base/str.h"
#include "src/state/store.h"

/* What is removed, or with dry_run would be, is told in `said`, a line each. The first failure is
 * the error; the rest is removed all the same. */
int gc_containers(struct arena *arena, struct store *store, bool dry_run, struct str *said,
		  struct err *err) MUST_CHECK;

/* What `do` calls a sandbox without a name begins so. */
#define GC_SANDBOX "do-"

/* The same for sandboxes without a name only, and without a word: nobody knows that they are
 * there. */
void gc_sandboxes(struct arena *arena, struct store *store);
