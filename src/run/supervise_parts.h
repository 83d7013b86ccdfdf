/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the parts of the event loop: the state of one process in the foreground. */
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
	struct query query; /* of the output */
	bool ended;         /* the process */
	bool away;   /* the console was at its end: nothing has it open now, which may change */
	bool at_end; /* of the input: end-of-file characters went to the console */
	tcflag_t line_mode; /* ICANON or 0, as it was when the last one went */
	int status;
	int timer;      /* or -1 */
	bool timed_out; /* it was told to end */
	size_t last;    /* bytes read since then */
	bool stopped;   /* the process, with us */
	bool told;      /* to end, since it was stopped; not where it is deaf to that */
	int interrupts; /* number of ^C typed for the console */
	bool told_deaf;
	bool left; /* attach: the process goes on without us */
};

/* supervise_signals.c: handles one signal; poll() reports more. */
void supervise_take_signals(struct session *session);

/* One signal; key: sent by the kernel for a key of the terminal. */
void supervise_handle_signal(struct session *session, int signal, bool key);

/* Tells a person, once, that the first process of the container ignores the signal. */
void supervise_tell_deaf(struct session *session, int signal);

/* supervise_console.c: the two directions between the person and the console. */
void supervise_open_streams(struct session *session);
void supervise_close_streams(struct session *session);

/* Moves what can be moved without blocking; the three are poll()'s results for each. */
void supervise_relay(struct session *session, short input, short output, short console);

/* Whether a reader of the output that leaves ends it at once, and not with the next byte: the keys
 * of a person who quits `| less` are for the shell. A log that is opened again has no such
 * person. */
bool supervise_watches_output(const struct session *session);

/* Writes what the process has written and nobody has got yet. */
void supervise_write_output(struct session *session);
