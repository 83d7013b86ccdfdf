/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/terminal.h"

#include "src/base/fd.h"
#include "src/sys/tty.h"

#include <fcntl.h>
#include <unistd.h>

void terminal_open(struct terminal *terminal)
{
	*terminal = (struct terminal){ .input = -1, .window = tty_with_window(), .ours = true };
	if (isatty(STDIN_FILENO))
		terminal->input = STDIN_FILENO;
	if (terminal->window < 0) {
		terminal->window =
			openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
		terminal->opened = terminal->window >= 0;
	}
}

bool terminal_is_ours(const struct terminal *terminal)
{
	pid_t group = terminal->input < 0 ? 0 : tcgetpgrp(terminal->input);

	/* A terminal that is not our controlling terminal has no jobs of ours. */
	return group < 0 || group == getpgrp();
}

void terminal_look(struct terminal *terminal)
{
	struct termios modes;

	if (terminal->input < 0)
		return;
	terminal->ours = terminal_is_ours(terminal);
	terminal->is_raw = terminal->is_raw && terminal->ours;
	if (!terminal->ours)
		return;
	/* The modes that a shell sets when it continues us may be our own raw mode: only the first
	 * ones are the user's. */
	if (tty_set_raw(terminal->input, isatty(STDOUT_FILENO), &modes) < 0)
		return;
	if (!terminal->was_raw)
		terminal->saved = modes;
	terminal->is_raw = terminal->was_raw = true;
}

bool terminal_refuses_output(const struct terminal *terminal)
{
	struct termios modes;

	return !terminal->ours && isatty(STDOUT_FILENO) && tcgetattr(STDOUT_FILENO, &modes) == 0 &&
	       (modes.c_lflag & TOSTOP);
}

bool terminal_is_gone(const struct terminal *terminal)
{
	struct termios modes;

	return terminal->input >= 0 && tcgetattr(terminal->input, &modes) < 0;
}

void terminal_leave(struct terminal *terminal)
{
	pid_t group = terminal->is_raw ? tcgetpgrp(terminal->input) : -1;

	if (terminal->is_raw && (group < 0 || group == getpgrp()))
		tty_restore(terminal->input, &terminal->saved);
	terminal->is_raw = false;
}

void terminal_close(struct terminal *terminal)
{
	terminal_leave(terminal);
	if (terminal->opened)
		fd_closep(&terminal->window);
}
