/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that a start ignores on this host, with a note in the state. */
#pragma once

#include "src/cmd/explain_missing.h"

/* Labels of a security module that the host does not have, and an OOM score that the caller may not
 * lower. The latter is tried on this process, whose score may change. */
void explain_ignored(struct arena *arena, const struct plan *plan,
		     const struct explain_missing *out);
