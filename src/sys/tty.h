/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals. */
#pragma once

#include "src/base/err.h"

#include <stdint.h>
#include <termios.h>

/* Opens a new pseudo terminal through the ptmx of a devpts, whose root directory is `pts` (O_PATH),
 * never through the host's. Opens the slave through its master (TIOCGPTPEER), so that no name in
 * the container is followed. */
int tty_open_pair(int pts, int *ret_master, int *ret_slave, struct err *err) MUST_CHECK;

int tty_set_size(int tty, uint32_t rows, uint32_t columns); /* 0 or -errno */

/* Copies the size of `from` (may be -1) to `to`; false if it is unknown. */
bool tty_copy_size(int from, int to);

/* Makes programs on the terminal get SIGWINCH, though they find the same size. */
void tty_nudge(int tty);

/* The first standard stream that is a terminal, or -1. */
int tty_with_window(void);

/* Turns off the carriage returns before newlines in the output. 0 or -errno. */
int tty_keep_newlines(int tty);

/* Makes the slave the controlling terminal of this session, and its 0, 1 and 2. */
int tty_take(int slave, struct err *err) MUST_CHECK;

/* Puts the user's terminal into raw mode; *saved gets what tty_restore() needs. output_too: for
 * output that another terminal has already formatted; without it other programs' lines would form a
 * staircase. 0 or -errno. */
int tty_set_raw(int tty, bool output_too, struct termios *saved);
void tty_restore(int tty, const struct termios *saved);
