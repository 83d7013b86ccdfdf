/* SPDX-License-Identifier: Apache-2.0 */
/* One error: filled once, where the facts are; plain data, so that it crosses processes as it is. */
#pragma once

#include <errno.h>
#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

struct err {
	int code;        /* errno value, > 0; 0 while nothing failed */
	char step[32];   /* name of the sequence row that failed, or empty */
	char text[1008]; /* what was being done, and why it failed */
	char hint[640];  /* what to do about it, or empty */
};

/* Texts and hints are one line each: control characters in them become "?", and what is too long is cut
 * behind a whole character, with "..." there. */

/* Fills err with the text and returns -code, which is always negative (a code <= 0 counts as EINVAL).
 * Use it where the text already says why. The words "permission denied" and "no such file or
 * directory" are read by the clients as "the user's own command": use them for nothing else. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF(3, 4);

/* The same, with ": <why>" for the errno added in the words of err_why(). */
int err_errno(struct err *err, int error, const char *fmt, ...) PRINTF(3, 4);

/* Puts "<words>: " in front of the text. Returns the negative code of err. */
int err_prefix(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* Adds advice, one sentence, shown on a line of its own; an earlier, more special one stays. */
void err_hint(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* Text for an errno. EPERM, EACCES and ENOENT avoid the words that clients match. */
const char *err_why(int error);
