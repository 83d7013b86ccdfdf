/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the parts of the event loop: the state of one foreground process. */
#pragma once

#include "src/run/query.h"
#include "src/run/relay.h"
#include "src/run/stream.h"
#include "src/run/supervise.h"
#include "src/run/terminal.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct session {
	struct supervise *s;
	struct terminal terminal;
	struct stream in, out;
	struct relay input, output;
	struct query query; /* queries in the output */
	bool ended;         /* the process has ended */
	bool away;          /* no process has the console open now, which may change */
	bool at_end;        /* input has ended: end-of-file characters went to the console */
	tcflag_t line_mode; /* ICANON or 0, as of the last end-of-file character */
	int status;
	int timer;      /* or -1 */
	bool timed_out; /* SIGTERM was sent */
	size_t last;    /* bytes read after the end */
	bool stopped;   /* the process, and we with it */
	bool told;      /* it was told to end since it was stopped, and can hear that */
	int interrupts; /* number of ^C typed for the console */
	bool told_deaf;
	bool left; /* attach: detached, and the process goes on */
};

/* supervise_signals.c: handles one signal; poll() reports more. */
void supervise_take_signals(struct session *session);

/* Handles one signal; key: sent by the kernel for a key of the terminal. */
void supervise_handle_signal(struct session *session, int signal, bool key);

/* Tells the user, once, that the container's first process ignores the signal. */
void supervise_tell_deaf(struct session *session, int signal);

/* Continues a program that has stopped itself, so that a signal to end it has its effect: of the
 * user's shell it is not a job. */
void supervise_continue(const struct session *session);

/* supervise_console.c: the two directions between the user and the console. */
void supervise_open_streams(struct session *session);
void supervise_close_streams(struct session *session);

/* Moves what can be moved without blocking; the arguments are poll()'s results. */
void supervise_relay(struct session *session, short input, short output, short console);

/* Whether the process ends as soon as the reader of its output leaves, not at the next byte: after
 * `| less` quits, keys are meant for the shell. A log that can be reopened has no such reader. */
bool supervise_watches_output(const struct session *session);

/* Writes the output that is still buffered. */
void supervise_write_output(struct session *session);
