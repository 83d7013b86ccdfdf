/* SPDX-License-Identifier: Apache-2.0 */
/* One error: filled once, where the facts are; plain data, so that it can be sent between processes
 * as it is. */
#pragma once

#include <errno.h>
#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum { ERR_PATH_MAX = 256 };

struct err {
	int code;                /* errno value, > 0; 0 while nothing failed */
	char step[32];           /* name of the sequence row that failed, or empty */
	char path[ERR_PATH_MAX]; /* JSON path of the value it is about, or empty */
	char text[1008];         /* what was being done, and why it failed */
	char hint[640];          /* what to do about it, or empty */
};

/* Texts and hints are one line each: control characters in them become "?", and what is too long is
 * cut behind a whole character, with "..." there. */

/* In front of a format: it begins with the JSON path of a value, up to the first ": " or the end,
 * as in ERR_AT "mounts[%zu].source: required for a bind mount". Which document the value stands in,
 * or which option gave it, is known to the command only: err_document() puts that in front. */
#define ERR_AT "\001"

/* Fills err with the text and returns -code, which is always negative (a code <= 0 counts as
 * EINVAL). Use it where the text already says why. "no such file or directory" and
 * "executable file not found in" are read by the clients as "the user's own command is missing"
 * (status 127): use them for nothing else. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF(3, 4);

/* The same, with ": <why>" for the errno added in the words of err_why(). */
int err_errno(struct err *err, int error, const char *fmt, ...) PRINTF(3, 4);

/* Puts "<words>: " in front of the text. With ERR_AT, an earlier path stays: it is the more special
 * one. Returns the negative code of err. */
int err_prefix(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* Where the error is about a value: puts "<name>: <path>: " in front of the text, or only
 * "<name>: " for a value that an option gave. Once; other errors stay as they are. Return the
 * negative code of err. */
int err_document(struct err *err, const char *name);
int err_option(struct err *err, const char *name);

/* For an error that another process sent: whether it is set and its texts are terminated; and that
 * error as our own, with control characters replaced. Returns its negative code. */
bool err_is_whole(const struct err *said);
int err_take(struct err *err, const struct err *said);

/* Adds advice, one sentence, shown on a line of its own; earlier advice, which is more specific,
 * stays. Returns the negative code of err. */
int err_hint(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* The same in front of the advice that is there: "<words>; <advice>". */
int err_hint_first(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* The missing system call, the Linux version that introduced it, and the running version: what
 * err_errno() says for ENOSYS. */
void err_name_missing(const char *call, const char *since, const char *release);

/* Text for an errno, in lower case and in the words users search for. That of ENOENT is not
 * strerror()'s, which clients match. Valid until the next call. */
const char *err_why(int error);
