/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal of the person who started us. It is ours only while our process group is in its
 * foreground: else it is the shell's, whose modes we leave alone and whose input we do not take. */
#pragma once

#include "src/base/err.h"

#include <termios.h>

struct terminal {
	int input;   /* standard input, where that is a terminal, or -1 */
	int window;  /* where the size of the window is asked for, or -1 */
	bool opened; /* window is /dev/tty, opened by us */
	bool ours;   /* input may be read; always without a terminal */
	bool is_raw;
	bool was_raw; /* saved has the original modes */
	struct termios saved;
};

void terminal_open(struct terminal *terminal);

/* Looks whether it is ours, and makes it raw if so: after the start, when we were stopped, and now
 * and then while it is not ours, because a shell does not tell. */
void terminal_look(struct terminal *terminal);

/* Whether background jobs must not write to it (stty tostop). */
bool terminal_refuses_output(const struct terminal *terminal);

/* Whether it is gone: its window was closed, or its line hung up. */
bool terminal_is_gone(const struct terminal *terminal);

/* Restores it. */
void terminal_leave(struct terminal *terminal);
void terminal_close(struct terminal *terminal);
