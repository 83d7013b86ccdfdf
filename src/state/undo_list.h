/* SPDX-License-Identifier: Apache-2.0 */
/* Undoes what a start left on the host: one list for a failed start, `delete`, and the reuse of an
 * id whose owner is gone. The names are those of the rows that did it; the list is in the state
 * before the first of them runs, so each entry must also work if its row never ran. */
#pragma once

#include "src/state/store.h"

/* Runs the entries of state->undo, last first. All are tried; the first error is returned. */
int undo_list_run(struct store *store, const struct state *state, struct err *err) MUST_CHECK;

/* Parts of it, for what is known from elsewhere than a whole state. The process is killed, and
 * waited for. */
int undo_list_process(const struct state *state, struct err *err) MUST_CHECK;

/* Groups below the root of resctrl. */
int undo_list_rdt(const char *const *groups, size_t n, struct err *err) MUST_CHECK;

/* Each is named after the row of a sequence that it undoes; the last has no name. */
struct undo_list_entry {
	const char *name;
	const char *words; /* "removes its cgroup" */
	int (*run)(struct store *store, const struct state *state, struct err *err);
};
extern const struct undo_list_entry undo_list_entries[];

/* What an entry of a container does, in words; NULL if it has nothing to do. */
const char *undo_list_words(const char *name, const struct state *state);
