/* SPDX-License-Identifier: Apache-2.0 */
/* The log: errors always, debug lines on demand. Nothing here is printed on success by default. */
#pragma once

#include "src/base/err.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

struct log_settings {
	const char *path;     /* --log: appended to, created 0600; NULL: standard error only */
	bool json;            /* --log-format json */
	enum log_level level; /* --log-level */
	const char *program;  /* name in front of messages on standard error */
	bool bare;            /* failures are printed as plain text: an engine adds the rest */
};

/* Opens the log file (once, at start). The descriptor stays open for children. */
int log_open(const struct log_settings *settings, struct err *err) MUST_CHECK;

/* Name of the process in debug lines: "parent", "stager", "init". A static string. */
void log_set_actor(const char *actor);

bool log_wants(enum log_level level);

/* Reports the failure of the command: one line on standard error (and one for the hint), and with
 * --log exactly one record there: JSON {"level","msg","time","hint"} on one line, or text. */
void log_failure(const struct err *err);

/* A record of a text log; shown on standard error at --log-level warning or above. Never in a JSON
 * log: that of a client must hold nothing but the error (podman reads the whole file as one
 * object). */
void log_warning(const char *fmt, ...) PRINTF(1, 2);

/* The same regardless of the level: for when a person is known to be there, or the message would
 * otherwise be lost. */
void log_notice(const char *fmt, ...) PRINTF(1, 2);

/* In a child: the log's descriptor, or -1 if it must not write there. */
int log_keep_in_child(void);

/* The descriptor was closed: its number may be reused. */
void log_forget(void);

void log_write(enum log_level level, const char *fmt, ...) PRINTF(2, 3);
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_wants(LOG_DEBUG))                                                          \
			log_write(LOG_DEBUG, __VA_ARGS__);                                         \
	} while (0)
