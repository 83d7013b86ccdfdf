/* SPDX-License-Identifier: Apache-2.0 */
/* Processes by descriptor: no number that may have been reused meanwhile. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* If pidfd_open() is missing, a stand-in that works for everything below. >= 0 or -errno. */
int pidfd_open_process(pid_t pid);
int pidfd_signal(int pidfd, int signal); /* 0 or -errno */

/* Waits for the end of the process: 0, -ETIMEDOUT or -errno. timeout_ms -1: for ever. */
int pidfd_wait(int pidfd, int timeout_ms);

/* The descriptor with which poll(2) reports the end of the process; for a stand-in -1, which poll()
 * ignores. */
int pidfd_to_poll(int pidfd);

/* The number by which the kernel knows the process: that of its descriptors in pidfs (Linux 6.9),
 * which no other process gets until the machine boots again. 0: a stand-in has none. It means
 * something only where pidfd_is_numbered(), which all are of one boot, or none. */
uint64_t pidfd_number(int pidfd);
bool pidfd_is_numbered(int pidfd);

/* Joins the namespaces of the process, of these kinds (CLONE_NEW*). 0 or -errno. */
int pidfd_join(int pidfd, int flags);
