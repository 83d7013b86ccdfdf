/* SPDX-License-Identifier: Apache-2.0 */
/* What `usrun do` keeps of what was written, lists, and applies. */
#pragma once

#include "src/steps/start.h"

/* After the end: what has changed, on standard error. changes: of the option, or NULL. Takes what
 * the start holds of its layer. */
void do_layer_tell(struct arena *arena, struct start *start, const char *changes);

/* --apply DIR [PATH...]; with changes (not NULL) the list of them alone, on standard output. */
int do_layer_apply(struct arena *arena, const char *dir, const char *const *paths, size_t n,
		   const char *changes, struct err *err) MUST_CHECK;
