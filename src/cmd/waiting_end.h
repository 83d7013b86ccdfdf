/* SPDX-License-Identifier: Apache-2.0 */
/* How a container ended that was created but never started. No process of ours saw it, so this is
 * reconstructed from what the kernel still knows and what `kill` recorded. */
#pragma once

#include "src/state/store.h"

/* What is known of the end ("killed by SIGKILL"; arena), or NULL. */
const char *waiting_end_words(struct arena *arena, const struct state *state);

/* The signal that `kill` had sent it, or NULL. */
const char *waiting_end_sent(const struct state *state);
