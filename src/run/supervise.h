/* SPDX-License-Identifier: Apache-2.0 */
/* The foreground: signals are forwarded, the terminal is relayed, the exit status comes back. */
#pragma once

#include "src/run/detach.h"

#include <stdint.h>

enum { SUPERVISE_TIMED_OUT = 124 }; /* that of timeout(1) */

struct child;
struct driver_oom;

/* For `attach`: the terminal of a process that is not ours. It neither gets our signals nor ends
 * with us. */
struct supervise_attach {
	int keeper;       /* connection to the terminal's keeper (steps/keeper.h) */
	const char *text; /* shown first */
	size_t len;
	struct detach keys;
	bool by_keys;    /* the detach keys ended it */
	const char *why; /* another reason, for a person, or NULL */
	int ended_by;    /* the signal that ended it, or 0 */
};

struct supervise {
	struct supervise_attach *attach; /* or NULL */
	struct child *child;             /* reaped at its end */
	const char *id;         /* the child is the first process of this container; or NULL */
	int console;            /* master of the container's terminal, or -1 */
	int signals;            /* from supervise_block_signals() */
	bool reaper;            /* the child forwards stop and continue signals */
	bool stop_key;          /* ^Z was pressed before the process existed */
	int notify, manager;    /* sockets for notify_relay(), or -1 */
	int64_t timeout_ms;     /* after which it is told to end, and soon killed; 0: never */
	struct driver_oom *oom; /* kept up to date while the cgroup exists; NULL: not watched */
};

/* Blocks all signals of this process and returns a signalfd for them; called before the container
 * is created, so that none is lost. Children of a start unblock them again. >= 0 or negative. */
int supervise_block_signals(struct err *err) MUST_CHECK;

/* For a process without a terminal of its own, before it is created: a background job must not read
 * what is typed for the shell, so its standard input becomes /dev/null. */
int supervise_leave_input(struct err *err) MUST_CHECK;

/* Until the process ends. Returns its exit status, 128 + signal, or SUPERVISE_TIMED_OUT. The
 * console is closed as soon as nobody is left to see it: what runs on it gets SIGHUP. */
int supervise_run(struct supervise *supervise, struct err *err) MUST_CHECK;
