/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that clean up after themselves. */
#pragma once

#include "src/base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define _cleanup_close_ __attribute__((cleanup(fd_closep)))

/* Closes *fd if it is >= 0 and sets it to -1; errno is kept. */
void fd_closep(int *fd);

/* Gives the descriptor away: returns it and leaves -1 behind. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Opens /dev/null on those of 0, 1, 2 that are closed, so that no descriptor of ours ever lands
 * there and is mistaken for the caller's. */
int fd_fill_stdio(struct err *err) MUST_CHECK;

/* Remembers which descriptors from 3 on the caller has passed: before anything of ours is
 * opened. */
void fd_note_passed(void);

/* Whether this one was passed; false if nobody called fd_note_passed(). */
bool fd_was_passed(int fd);

/* Text "/proc/self/fd/N" in a caller's buffer, for calls that only take paths. */
struct fd_path {
	char text[32];
};
struct fd_path fd_path(int fd);
