/* SPDX-License-Identifier: Apache-2.0 */
/* The status of a container: derived, never trusted. */
#pragma once

#include "src/state/store.h"

enum status { STATUS_CREATING, STATUS_CREATED, STATUS_RUNNING, STATUS_PAUSED, STATUS_STOPPED };

/* Derives an enum status from the phase, the process (pid with the recorded start time and boot; a
 * zombie is stopped) and the freezer. ret_pidfd (may be NULL) receives a pidfd of init, opened
 * before its start time was compared, or -1 if it is stopped: send signals only through it. Fails
 * if the status cannot be determined, because a container wrongly taken for stopped would be
 * lost. */
int status_of(const struct state *state, int *ret_pidfd, struct err *err) MUST_CHECK;
const char *status_name(enum status status); /* "running" */

/* Start time of a process (clock ticks since boot), 0 if it is gone or a zombie. */
int status_start_time(pid_t pid, uint64_t *ret, struct err *err) MUST_CHECK;

/* The same from an open file said to be the process's stat; 0 also if it belongs to another
 * process. pid 0 accepts any stat file: the pid in the procfs of another pid namespace is
 * unknown. */
uint64_t status_start_time_in(int fd, pid_t pid);

/* Whether the init of a pid namespace is exiting but has to wait: the kernel keeps it until every
 * zombie in the namespace has been reaped, which a parent outside (of an exec) must do. */
bool status_waits_for_zombie(pid_t pid);

/* Whether a process has been killed and is about to end: delivery of the signal takes a moment. */
bool status_is_dying(pid_t pid);

/* The start time from the text of /proc/PID/stat; 0 if it is invalid or the process has ended. */
uint64_t status_parse_stat(const char *text);

/* How the container's process ended, as a wait(2) status, while it is still unreaped; -1 if
 * unknown. The second takes the text of /proc/PID/stat. */
int status_unreaped(const struct state *state);
int status_parse_end(const char *text, uint64_t start_time);

/* The boot id, or "" if it is unavailable. */
const char *status_boot_id(struct arena *arena);

/* Whether the machine has certainly rebooted since: both boot ids are known and differ. */
bool status_has_rebooted(const struct state *state);

/* Why the container can no longer be completed or used, in words, or NULL if that is not certain.
 * Only for the holder of its directory's lock, which proves that no other command is working on
 * it. */
const char *status_why_dead(const struct state *state, int dirfd);

/* Whether the processes in the state may belong to another machine. */
bool status_is_elsewhere(const struct state *state, int dirfd);
