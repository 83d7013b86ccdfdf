/* SPDX-License-Identifier: Apache-2.0 */
/* How a container ended that was created and not started. No process of ours was there to see it:
 * it is reconstructed from what the kernel still tells, and what `kill` recorded. */
#pragma once

#include "src/state/store.h"

/* What is known of the end ("killed by SIGKILL"; arena), or NULL. */
const char *waiting_end_words(struct arena *arena, const struct state *state);

/* The signal that `kill` had sent it, or NULL. */
const char *waiting_end_sent(const struct state *state);
