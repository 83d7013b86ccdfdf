/* SPDX-License-Identifier: Apache-2.0 */
/* One error, filled once, where the facts are. Plain data, so that it can be sent between
 * processes. */
#pragma once

#include <errno.h>
#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum { ERR_PATH_MAX = 256 };

struct err {
	int code;                /* errno value > 0; 0 while nothing has failed */
	char step[32];           /* name of the sequence row that failed, or empty */
	char path[ERR_PATH_MAX]; /* JSON path of the offending value, or empty */
	char text[1008];         /* what was being done, and why it failed */
	char hint[640];          /* what to do about it, or empty */
};

/* Texts and hints are one line each: control characters become "?", and a text that is too long is
 * cut after a whole character and ends in "...". */

/* Begins a format that starts with the JSON path of a value, up to the first ": " or the end, as in
 * ERR_AT "mounts[%zu].source: required for a bind mount". Only the command knows the document or
 * option that the value came from, and adds it with err_document() or err_option(). */
#define ERR_AT "\001"

/* Fills err with the text and returns -code, always negative (a code <= 0 counts as EINVAL). Use it
 * if the text already says why. Clients read "no such file or directory" and "executable file not
 * found in" as "the user's command is missing" (status 127): use them for nothing else. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF(3, 4);

/* The same, and appends ": <why>" for the errno, in the words of err_why(). */
int err_errno(struct err *err, int error, const char *fmt, ...) PRINTF(3, 4);

/* Puts "<words>: " in front of the text. With ERR_AT, an earlier path wins, because it is more
 * specific. Returns the negative code of err. */
int err_prefix(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* For an error about a value: puts "<name>: <path>: " in front of the text, or only "<name>: " if
 * an option gave the value. Acts once, and leaves other errors alone. Both return the negative code
 * of err. */
int err_document(struct err *err, const char *name);
int err_option(struct err *err, const char *name);

/* For an error received from another process: err_is_whole() checks that it is set and its texts
 * are terminated; err_take() copies it, replaces control characters and returns its negative
 * code. */
bool err_is_whole(const struct err *said);
int err_take(struct err *err, const struct err *said);

/* Adds advice: one sentence, shown on a line of its own. Earlier advice stays, because it is more
 * specific. Returns the negative code of err. */
int err_hint(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* Puts words in front of the existing advice: "<words>; <advice>". */
int err_hint_first(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* Sets what err_errno() says for ENOSYS: the missing system call, the Linux version that introduced
 * it, and the running version. */
void err_name_missing(const char *call, const char *since, const char *release);

/* The text for an errno, in lower case and in the words users search for. ENOENT's is not
 * strerror()'s, which clients look for. Valid until the next call. */
const char *err_why(int error);

/* Whether an error says that the caller can reach nothing at a path, and will not later: a FUSE
 * mount whose server is gone (ENOTCONN) never comes back, while a disk or another machine may. */
bool err_is_absence(int error);

/* Whether an error says that this process or machine is short of memory or descriptors, and so
 * nothing about the file that the call was for. */
bool err_is_shortage(int error);
