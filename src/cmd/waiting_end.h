/* SPDX-License-Identifier: Apache-2.0 */
/* How a container ended that was created and not started. Nobody of ours is there to see it: what
 * is said is what the kernel still tells, and what `kill` has noted. */
#pragma once

#include "src/state/store.h"

/* What is known of the end ("killed by SIGKILL"; arena), or NULL. */
const char *waiting_end_words(struct arena *arena, const struct state *state);

/* The signal that `kill` had sent it, or NULL. */
const char *waiting_end_sent(const struct state *state);
