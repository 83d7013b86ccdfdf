/* SPDX-License-Identifier: Apache-2.0 */
/* struct state as JSON, decoded with the same kind of table as configs. */
#pragma once

#include "src/base/json_write.h"
#include "src/state/store.h"

enum { STORE_STATE_MAX = 16 * 1024 * 1024 }; /* a state too large to be read back is not written */

/* `file` is the name for errors. 0 or -EINVAL. */
int store_state_decode(struct arena *arena, const char *file, const char *text, size_t len,
		       struct state *ret, struct err *err) MUST_CHECK;

/* The text belongs to *ret, which the caller frees even after an error. -E2BIG above the limit. */
int store_state_encode(const struct state *state, struct json_write **ret, const char **ret_text,
		       size_t *ret_len, struct err *err) MUST_CHECK;
