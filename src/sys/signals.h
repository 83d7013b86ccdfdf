/* SPDX-License-Identifier: Apache-2.0 */
/* Blocked signals, read from a descriptor. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Signals that arrive while the process waits for something else. */
struct signals {
	int fd;        /* signalfd(2); -1: none are blocked, and they act on this process */
	uint64_t seen; /* bit n - 1: signal n arrived */
	int ended_by;  /* the last signal that asked this process to end, or 0 */
	bool stop_key; /* ^Z was typed at the terminal; not in seen */
};

/* Reads pending signals. Returns ended_by. */
int signals_read(struct signals *signals);

/* Acts on a signal as if it had not been blocked: ends this process if that is the default
 * action. */
void signals_act(int signal);
