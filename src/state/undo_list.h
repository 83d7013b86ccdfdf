/* SPDX-License-Identifier: Apache-2.0 */
/* Undoes what a start left on the host: one list for a failed start, `delete`, and the reuse of an
 * id whose owner is dead. Entries have the names of the rows that they undo. The list is stored
 * before the first row runs, so each entry must also work if its row never ran. */
#pragma once

#include "src/state/store.h"

/* Runs the entries of state->undo, last to first. Tries all and returns the first error. */
int undo_list_run(struct store *store, const struct state *state, struct err *err) MUST_CHECK;

/* Parts of the list, for callers without a complete state. Kills the process, and waits for its
 * end. */
int undo_list_process(const struct state *state, struct err *err) MUST_CHECK;

/* Removes groups below the root of resctrl. */
int undo_list_rdt(const char *const *groups, size_t n, struct err *err) MUST_CHECK;

/* Named after the row that each undoes; the last entry has no name. */
struct undo_list_entry {
	const char *name;
	const char *words; /* "removes its cgroup" */
	int (*run)(struct store *store, const struct state *state, struct err *err);
};
extern const struct undo_list_entry undo_list_entries[];

/* What an entry does for this container, in words; NULL if nothing. */
const char *undo_list_words(const char *name, const struct state *state);
