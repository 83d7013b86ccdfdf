/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/log.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/json_write.h"
#include "src/base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
	struct log_settings settings;
	const char *actor;
	int fd;
} log_state = { .settings = { .program = "usrun" }, .actor = "parent", .fd = -1 };

static const char level_names[][8] = {
	[LOG_ERROR] = "error",
	[LOG_WARNING] = "warning",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

int log_open(const struct log_settings *settings, struct err *err)
{
	log_state.settings = *settings;
	if (!settings->path)
		return 0;
	/* O_NONBLOCK: the file may be a FIFO that nobody reads. Better lose lines than block. */
	log_state.fd =
		openat(AT_FDCWD, settings->path,
		       O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0600);
	if (log_state.fd < 0) {
		int error = errno;

		log_state.settings.path = NULL;
		return err_errno(err, error, "open the log file %s", settings->path);
	}
	/* 0, 1 and 2 belong to the container. */
	if (log_state.fd <= 2) {
		int high = fcntl(log_state.fd, F_DUPFD_CLOEXEC, 3);

		fd_closep(&log_state.fd);
		log_state.fd = high;
	}
	return 0;
}

void log_set_actor(const char *actor)
{
	log_state.actor = actor;
}

bool log_wants(enum log_level level)
{
	return level <= log_state.settings.level;
}

static void add_json(struct str *line, enum log_level level, const char *text, const char *stamp,
		     const char *hint)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(false);
	struct err ignored = { 0 };
	const char *record;

	json_write_object(w, NULL);
	json_write_string(w, "level", level_names[level]);
	json_write_message(w, "msg", text);
	json_write_string(w, "time", stamp);
	if (*hint)
		json_write_message(w, "hint", hint);
	json_write_end(w);
	record = json_write_text(w, NULL, &ignored);
	str_add(line, record ? record : "");
}

static void add_record(struct str *line, enum log_level level, const char *text, const char *hint)
{
	char stamp[CLOCK_STAMP_SIZE];

	clock_stamp(stamp);
	if (log_state.settings.json)
		add_json(line, level, text, stamp, hint);
	else
		str_addf(line, "%s %s: %s", stamp, level_names[level], text);
	if (!log_state.settings.json && *hint)
		str_addf(line, " (%s)", hint);
	str_add(line, "\n");
}

void log_failure(const struct err *err)
{
	_cleanup_str_ struct str line = { 0 };

	if (log_state.fd >= 0) {
		add_record(&line, LOG_ERROR, err->text, err->hint);
		(void)io_write_all(log_state.fd, line.s, line.len);
		str_done(&line);
	}
	if (!log_state.settings.bare)
		str_addf(&line, "%s: ", log_state.settings.program);
	str_addf(&line, "%s\n", err->text);
	if (err->hint[0] && !log_state.settings.bare)
		str_addf(&line, "hint: %s\n", err->hint);
	(void)io_write_all(STDERR_FILENO, line.s, line.len);
}

static void write_stderr(enum log_level level, const char *text)
{
	_cleanup_str_ struct str line = { 0 };

	if (level == LOG_DEBUG)
		str_addf(&line, "debug: %-6s %s\n", log_state.actor, text);
	else
		str_addf(&line, "%s: %s: %s\n", log_state.settings.program, level_names[level],
			 text);
	(void)io_write_all(STDERR_FILENO, line.s, line.len);
}

/* Not for a JSON log: clients read the whole file as one object, the error. */
static void warn(const char *text, bool show)
{
	_cleanup_str_ struct str line = { 0 };

	if (log_state.fd >= 0 && !log_state.settings.json) {
		add_record(&line, LOG_WARNING, text, "");
		(void)io_write_all(log_state.fd, line.s, line.len);
	}
	if (show)
		write_stderr(LOG_WARNING, text);
}

void log_warning(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	str_line(text, sizeof(text), fmt, ap);
	va_end(ap);
	warn(text, log_wants(LOG_WARNING));
}

void log_notice(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	str_line(text, sizeof(text), fmt, ap);
	va_end(ap);
	warn(text, true);
}

int log_keep_in_child(void)
{
	if (!log_wants(LOG_DEBUG))
		log_state.fd = -1;
	return log_state.fd;
}

void log_forget(void)
{
	if (log_state.fd < 0)
		return;
	log_state.fd = -1;
	log_state.settings.level = LOG_ERROR;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	_cleanup_str_ struct str line = { 0 };
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	str_line(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (log_state.fd < 0) {
		write_stderr(level, text);
		return;
	}
	add_record(&line, level, text, "");
	(void)io_write_all(log_state.fd, line.s, line.len);
}
