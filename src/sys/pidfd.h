/* SPDX-License-Identifier: Apache-2.0 */
/* Processes by descriptor: no number that may have been given to another one meanwhile. */
#pragma once

#include <sys/types.h>

/* Where pidfd_open() is missing, a stand-in that serves for all that is below. >= 0 or -errno. */
int pidfd_open_process(pid_t pid);
int pidfd_signal(int pidfd, int signal); /* 0 or -errno */

/* Waits for the end of the process: 0, -ETIMEDOUT or -errno. timeout_ms -1: for ever. */
int pidfd_wait(int pidfd, int timeout_ms);

/* What poll(2) tells the end of the process by; -1, which poll() passes over, for a stand-in. */
int pidfd_to_poll(int pidfd);

/* Joins the namespaces of the process, of these kinds (CLONE_NEW*). 0 or -errno. */
int pidfd_join(int pidfd, int flags);
