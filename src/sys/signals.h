/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that are blocked, and read from a descriptor. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What has come while something else was waited for. */
struct signals {
	int fd;        /* signalfd(2); -1: none is blocked, they act on this process */
	uint64_t seen; /* bit n - 1: signal n came */
	int ended_by;  /* the last one that asked this process to end, or 0 */
	bool stop_key; /* a terminal's ^Z came: not in seen */
};

/* Reads those that have come. Returns ended_by. */
int signals_read(struct signals *signals);

/* As if it had not been blocked: ends this process where that is its action. */
void signals_act(int signal);
