/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a sequence: every process runs its own rows of the table. */
#pragma once

#include "src/run/sequence.h"

/* Runs the sequence as the parent. On failure, all processes of the start have been reaped, and
 * whatever its rows left on the host is undone. err->step names the row. */
int walk_sequence(const struct sequence *sequence, struct start *start, struct err *err) MUST_CHECK;

/* The undo list of the active rows, as names, for the state. */
void walk_undo_names(const struct sequence *sequence, uint32_t flags, struct arena *arena,
		     const char *const **ret, size_t *ret_n);
