/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the store. */
#pragma once

#include "src/state/store.h"

/* The root directory, from the option or the environment. */
int store_priv_choose_root(const char *option, struct arena *arena, const char **ret, struct err *err)
	MUST_CHECK;

/* Opens it, and makes it when asked; -ENOENT, without a text, when it is missing and need not be made. */
int store_priv_open_root(const char *path, bool create, struct arena *arena, struct err *err) MUST_CHECK;

/* state.json. */
int store_priv_decode(struct arena *arena, const char *file, const char *text, size_t len,
		      struct state *ret, struct err *err) MUST_CHECK;
int store_priv_encode(const struct state *state, struct json_write **ret, const char **ret_text,
		      size_t *ret_len, struct err *err) MUST_CHECK;
