/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that clean up after themselves. */
#pragma once

#include "src/base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define _cleanup_close_ __attribute__((cleanup(fd_closep)))

/* Closes *fd if it is >= 0 and sets it to -1. Preserves errno. */
void fd_closep(int *fd);

/* Hands the descriptor over: returns it and leaves -1 behind. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Opens /dev/null on each of 0, 1 and 2 that is closed; otherwise a descriptor of ours could land
 * there and be taken for the caller's. */
int fd_fill_stdio(struct err *err) MUST_CHECK;

/* Whether fd_fill_stdio() has opened it: what we print there ourselves is lost, and that is an
 * error. */
bool fd_was_closed(int fd);

/* Records which descriptors from 3 on the caller passed. Call it before opening any. */
void fd_note_passed(void);

/* Whether the caller passed this descriptor; false unless fd_note_passed() was called. */
bool fd_was_passed(int fd);

/* Formats "/proc/self/fd/N" in the caller's buffer, for system calls that only take paths. */
struct fd_path {
	char text[32];
};
struct fd_path fd_path(int fd);
