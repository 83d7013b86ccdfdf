/* SPDX-License-Identifier: Apache-2.0 */
/* The user's terminal. It is ours only while our process group is in its foreground. Otherwise it
 * belongs to the shell: we leave its modes alone and do not read its input. */
#pragma once

#include "src/base/err.h"

#include <termios.h>

struct terminal {
	int input;   /* standard input, where that is a terminal, or -1 */
	int window;  /* used to query the window size, or -1 */
	bool opened; /* window is /dev/tty, opened by us */
	bool ours;   /* input may be read; always true without a terminal */
	bool is_raw;
	bool was_raw; /* saved has the original modes */
	struct termios saved;
};

void terminal_open(struct terminal *terminal);

/* Whether standard input is a terminal that is ours. */
bool terminal_is_ours(const struct terminal *terminal);

/* Checks whether it is ours, and sets raw mode if so: after the start, after we were stopped, and
 * periodically while it is not ours, because a shell sends no event. */
void terminal_look(struct terminal *terminal);

/* Whether background jobs may not write to it (stty tostop). */
bool terminal_refuses_output(const struct terminal *terminal);

/* Whether it is gone: the window was closed, or the line hung up. */
bool terminal_is_gone(const struct terminal *terminal);

/* Restores its modes. */
void terminal_leave(struct terminal *terminal);
void terminal_close(struct terminal *terminal);
