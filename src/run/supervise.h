/* SPDX-License-Identifier: Apache-2.0 */
/* The foreground: forwards signals, relays the terminal, returns the exit status. */
#pragma once

#include "src/run/detach.h"

#include <stdint.h>

enum { SUPERVISE_TIMED_OUT = 124 }; /* the exit status of timeout(1) */

struct child;
struct driver_oom;

/* For `attach`: the terminal of a process that is not our child. It neither receives our signals
 * nor ends with us. */
struct supervise_attach {
	int keeper;       /* connection to the terminal's keeper (steps/keeper.h) */
	const char *text; /* shown first */
	size_t len;
	struct detach keys;
	bool by_keys;    /* the detach keys ended it */
	const char *why; /* another reason to show to a person, or NULL */
	int ended_by;    /* the signal that ended the client, or 0 */
};

struct supervise {
	struct supervise_attach *attach; /* or NULL */
	struct child *child;             /* reaped when it ends */
	const char *id;                  /* container whose first process the child is; or NULL */
	int console;                     /* master of the container's terminal, or -1 */
	int signals;                     /* from supervise_block_signals() */
	bool reaper;                     /* the child forwards stop and continue signals */
	bool stop_key;                   /* ^Z was pressed before the process was created */
	int notify, manager;             /* sockets for notify_relay(), or -1 */
	int64_t timeout_ms;              /* then SIGTERM, and soon SIGKILL; 0: never */
	struct driver_oom *oom; /* kept up to date while the cgroup exists; NULL: not watched */
};

/* Blocks all signals of this process and returns a signalfd for them (>= 0 or negative). Call it
 * before the container is created, so that no signal is lost. Children of a start unblock them. */
int supervise_block_signals(struct err *err) MUST_CHECK;

/* Call before creating a process that has no terminal of its own: a background job must not read
 * what is typed for the shell, so its standard input becomes /dev/null. */
int supervise_leave_input(struct err *err) MUST_CHECK;

/* Runs until the process ends. Returns its exit status, 128 + signal, or SUPERVISE_TIMED_OUT.
 * Closes the console as soon as nobody can see it: programs running on it get SIGHUP. */
int supervise_run(struct supervise *supervise, struct err *err) MUST_CHECK;
