/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by several commands: finding a container, its state and its config. */
#pragma once

#include "src/cmd/cmd.h"
#include "src/oci/config.h"
#include "src/state/store.h"

/* Prefix of a note in the state: the signal that `kill` sent before the start follows. */
#define COMMON_SIGNALLED "before its start `kill` had sent it "

/* Opens the container and reads its state. Returns the directory's descriptor. */
int common_open(struct arena *arena, const struct cmd_globals *globals, const char *id,
		struct store **ret_store, struct state *ret_state, struct err *err) MUST_CHECK;

/* The same in a state directory that is open. */
int common_open_in(struct arena *arena, struct store *store, const char *id,
		   struct state *ret_state, struct err *err) MUST_CHECK;

/* Finds the container and applies the change to it. */
int common_change(const struct cmd_globals *globals, const char *id,
		  const struct store_change *change, struct err *err) MUST_CHECK;

/* Reads the state of an open container directory, whose lock the caller does not hold. -ENOENT
 * ("container does not exist") while it is being created or removed, -ENODATA if it is damaged. */
int common_read_state(struct arena *arena, struct store *store, int dirfd, const char *id,
		      struct state *ret, struct err *err) MUST_CHECK;

/* Calls each() for every id that matches the extended regular expression. All are tried; the first
 * failure is the result. No match is not an error. */
int common_each_match(struct arena *arena, struct store *store, const char *regex,
		      int (*each)(const char *id, void *data, struct err *err), void *data,
		      struct err *err) MUST_CHECK;

/* The copy of config.json that create saved. */
int common_read_config(struct arena *arena, int dirfd, const struct oci_config **ret,
		       struct err *err) MUST_CHECK;

/* The document of `state` and `list`. */
int common_write_state(struct json_write *w, const struct state *state, const char *owner,
		       struct err *err) MUST_CHECK;

/* Prints what was written; -errno when that fails. */
int common_print(struct json_write *w, struct err *err) MUST_CHECK;
int common_print_text(const struct str *text, struct err *err) MUST_CHECK;
