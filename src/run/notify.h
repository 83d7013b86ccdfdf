/* SPDX-License-Identifier: Apache-2.0 */
/* Forwards a container's readiness messages (sd_notify(3)) to the service manager that runs us. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* A socket connected to NOTIFY_SOCKET's manager, or -1: there is none, or it is unreachable. */
int notify_connect(void);

/* For a caller that leaves a container running: forwards the program's messages until it reports
 * readiness, and adds its pid. Returns once the manager has received that, or the program has
 * ended. */
void notify_await(int listener, int manager, pid_t pid, int pidfd);

/* Forwards what has arrived, without blocking: a manager that does not read loses messages. Only
 * the first one of readiness waits for it, some seconds. Barriers are between the container and the
 * manager, since their descriptors are forwarded. */
void notify_relay(int listener, int manager /* or -1: messages are dropped */);

/* Keeps only the lines that a manager may accept from a container: its process ids mean nothing
 * outside, and it may not store descriptors with the manager. A barrier counts only with its
 * descriptor. Returns the new length. Pure. */
size_t notify_filter(char *text, int has_fd);
