/* SPDX-License-Identifier: Apache-2.0 */
/* The log: always errors, debug lines on request. By default a successful command logs nothing. */
#pragma once

#include "src/base/err.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

struct log_settings {
	const char *path;     /* --log: appended to, mode 0600 if new; NULL: standard error only */
	bool json;            /* --log-format json */
	enum log_level level; /* --log-level */
	const char *program;  /* name that precedes messages on standard error */
	bool bare;            /* print failures as plain text: an engine adds the rest */
};

/* Opens the log file, once, at startup. Children inherit the descriptor. */
int log_open(const struct log_settings *settings, struct err *err) MUST_CHECK;

/* Sets the process's name in debug lines: "parent", "stager", "init". A static string. */
void log_set_actor(const char *actor);

bool log_wants(enum log_level level);

/* Reports why the command failed: one line on standard error (and one for the hint), and with --log
 * exactly one record there, as text or as one line of JSON {"level","msg","time","hint"}. */
void log_failure(const struct err *err);

/* Writes a record to a text log, and to standard error at --log-level warning or above. Never to a
 * JSON log, which must hold nothing but the error (podman reads the whole file as one object). */
void log_warning(const char *fmt, ...) PRINTF(1, 2);

/* The same regardless of the level, if a person is known to be there, or the message would be
 * lost. */
void log_notice(const char *fmt, ...) PRINTF(1, 2);

/* In a child: the log's descriptor, or -1 if the child must not write there. */
int log_keep_in_child(void);

/* Call it after the descriptor was closed: its number may be reused. */
void log_forget(void);

void log_write(enum log_level level, const char *fmt, ...) PRINTF(2, 3);
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_wants(LOG_DEBUG))                                                          \
			log_write(LOG_DEBUG, __VA_ARGS__);                                         \
	} while (0)
