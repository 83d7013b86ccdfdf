/* SPDX-License-Identifier: Apache-2.0 */
/* The status of a container: derived, never trusted. */
#pragma once

#include "src/state/store.h"

enum status { STATUS_CREATING, STATUS_CREATED, STATUS_RUNNING, STATUS_PAUSED, STATUS_STOPPED };

/* From the phase, the process (pid with the recorded start time and boot; a zombie is stopped) and
 * the freezer: an enum status. ret_pidfd (may be NULL) gets a pidfd of init taken before its start
 * time was compared, or -1 when stopped: signals go through it and nothing else. An error where
 * nobody can say: a container that is taken for stopped is forgotten. */
int status_of(const struct state *state, int *ret_pidfd, struct err *err) MUST_CHECK;
const char *status_name(enum status status); /* "running" */

/* Start time of a process (clock ticks since boot), 0 when it is gone or a zombie. */
int status_start_time(pid_t pid, uint64_t *ret, struct err *err) MUST_CHECK;

/* The same from an open file said to be the process's stat; 0 also if it is another's. pid 0: in
 * the procfs of another pid namespace, where its number is unknown: any such file is accepted. */
uint64_t status_start_time_in(int fd, pid_t pid);

/* Whether the init of a pid namespace has ended as far as it can: the kernel keeps it until whoever
 * is the parent of a process that was executed there reaps that one. */
bool status_waits_for_zombie(pid_t pid);

/* Whether a process was killed, and is about to end: the signal takes a moment. */
bool status_is_dying(pid_t pid);

/* The start time from the text of /proc/PID/stat; 0: none, or it has ended. */
uint64_t status_parse_stat(const char *text);

/* How the container's process ended, in the form of wait(2), as long as nobody has reaped it; -1:
 * it cannot be known. And the same from the text of /proc/PID/stat. */
int status_unreaped(const struct state *state);
int status_parse_end(const char *text, uint64_t start_time);

/* This boot's id, or "" if the kernel does not tell. */
const char *status_boot_id(struct arena *arena);

/* Whether the machine has certainly booted since, by both ids. */
bool status_has_rebooted(const struct state *state);

/* Why nobody can finish or use the container any more, in words, or NULL if that is not certain.
 * For the holder of its directory's lock: that proves that no other command is at work on it. */
const char *status_why_dead(const struct state *state, int dirfd);

/* Whether the processes in the state may belong to another machine. */
bool status_is_elsewhere(const struct state *state, int dirfd);
