/* SPDX-License-Identifier: Apache-2.0 */
/* Processes by descriptor: no number that may have been given to another one meanwhile. */
#pragma once

#include <sys/types.h>

int pidfd_open_process(pid_t pid);       /* >= 0 or -errno */
int pidfd_signal(int pidfd, int signal); /* 0 or -errno */

/* Waits for the end of the process: 0, -ETIMEDOUT or -errno. timeout_ms -1: for ever. */
int pidfd_wait(int pidfd, int timeout_ms);
