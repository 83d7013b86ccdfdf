/* SPDX-License-Identifier: Apache-2.0 */
/* Refers to processes by descriptor, because a number may be reused. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Opens a pidfd, or, if pidfd_open() is missing, a stand-in that works for everything below. >= 0
 * or -errno. */
int pidfd_open_process(pid_t pid);
int pidfd_signal(int pidfd, int signal); /* 0 or -errno */

/* Waits for the process to end: 0, -ETIMEDOUT or -errno. timeout_ms -1 waits for ever. */
int pidfd_wait(int pidfd, int timeout_ms);

/* The descriptor on which poll(2) reports the end of the process; -1, which poll() ignores, for a
 * stand-in. */
int pidfd_to_poll(int pidfd);

/* The process's inode number in pidfs (Linux 6.9), which no other process gets before the machine
 * reboots; 0 for a stand-in. Valid only if pidfd_is_numbered(), which is the same for all
 * descriptors until the machine reboots. */
uint64_t pidfd_number(int pidfd);
bool pidfd_is_numbered(int pidfd);

/* Joins these kinds (CLONE_NEW*) of the process's namespaces. 0 or -errno. */
int pidfd_join(int pidfd, int flags);
