/* SPDX-License-Identifier: Apache-2.0 */
/* The layer of `usrun do`: what is kept of the writes, listed and applied. */
#pragma once

#include "src/steps/start.h"

/* Called after the end: prints the changes on standard error. changes: the option's value, or NULL.
 * Takes over the layer that the start holds. */
int do_layer_tell(struct arena *arena, struct start *start, const char *changes,
		  struct err *err) MUST_CHECK;

/* --apply DIR [PATH...]; if changes is not NULL, only lists them, on standard output. */
int do_layer_apply(struct arena *arena, const char *dir, const char *const *paths, size_t n,
		   const char *changes, struct err *err) MUST_CHECK;
