/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness messages (sd_notify(3)) of a container, forwarded to the service manager that runs
 * us. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* The socket of NOTIFY_SOCKET's manager, or -1: there is none, or it is unreachable. */
int notify_connect(void);

/* For a caller that leaves a container behind: forwards the program's messages until it reports
 * that it is ready, together with its pid; returns when the manager has received that, or the
 * program has ended. */
void notify_await(int listener, int manager, pid_t pid, int pidfd);

/* Forwards what has arrived, without ever blocking: a manager that does not read loses messages,
 * and its barriers are its own affair, because their descriptors are forwarded to it. */
void notify_relay(int listener, int manager /* or -1: messages are dropped */);

/* Keeps the lines that a manager may accept from a container; process ids in it mean nothing
 * outside, and descriptors to store are not ours to give. A barrier counts only with its
 * descriptor. Returns the new length. Pure. */
size_t notify_filter(char *text, int has_fd);
