/* SPDX-License-Identifier: Apache-2.0 */
/* What a process does at a signal, as far as it is inherited. */
#pragma once

#include <stdint.h>

/* Blocks none, and gives those of the mask (bit n - 1: signal n) their default action: clone3() resets
 * handlers and leaves ignored signals ignored, and so does exec. */
void signals_reset(uint64_t ignored);

/* An ignored SIGCHLD would take the exit statuses of our children away. */
void signals_keep_children(void);
