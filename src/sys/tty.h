/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals. */
#pragma once

#include "src/base/err.h"

#include <stdint.h>
#include <termios.h>

/* A new pseudo terminal from the ptmx of a devpts opened as `pts` (O_PATH of its root directory),
 * never from the host's. The slave is opened through its master (TIOCGPTPEER), so that no name of
 * the container is followed. */
int tty_open_pair(int pts, int *ret_master, int *ret_slave, struct err *err) MUST_CHECK;

int tty_set_size(int tty, uint32_t rows, uint32_t columns); /* 0 or -errno */

/* Whether the size of `from` (may be -1) is known, and was copied to `to`. */
bool tty_copy_size(int from, int to);

/* Programs on it get SIGWINCH, and find the same size. */
void tty_nudge(int tty);

/* The first of the standard streams that is a terminal, or -1. */
int tty_with_window(void);

/* Newlines in the output are no longer preceded by carriage returns. 0 or -errno. */
int tty_keep_newlines(int tty);

/* Makes the slave the controlling terminal of this session and its 0, 1 and 2. */
int tty_take(int slave, struct err *err) MUST_CHECK;

/* Raw mode for the person's terminal; *saved gets what tty_restore() needs. output_too: for writing
 * output that another terminal has already formatted; otherwise others' lines would come out as a
 * staircase. 0 or -errno. */
int tty_set_raw(int tty, bool output_too, struct termios *saved);
void tty_restore(int tty, const struct termios *saved);
