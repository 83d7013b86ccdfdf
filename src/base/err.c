/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int negative_code(const struct err *err)
{
	return err->code > 0 ? -err->code : -EINVAL;
}

static void set_code(struct err *err, int code)
{
	err->code = code > 0 ? code : EINVAL;
	err->step[0] = '\0';
	err->hint[0] = '\0';
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	set_code(err, code);
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return negative_code(err);
}

int err_errno(struct err *err, int error, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	set_code(err, error);
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	(void)snprintf(err->text + len, sizeof(err->text) - len, ": %s", err_why(err->code));
	return negative_code(err);
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	char words[sizeof(err->text)];
	size_t len, room;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words) - 2, fmt, ap);
	va_end(ap);
	strcat(words, ": ");
	len = strlen(words);
	room = sizeof(err->text) - len - 1;
	if (strlen(err->text) > room)
		err->text[room] = '\0';
	memmove(err->text + len, err->text, strlen(err->text) + 1);
	memcpy(err->text, words, len);
	return negative_code(err);
}

void err_hint(struct err *err, const char *fmt, ...)
{
	va_list ap;

	if (err->hint[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}

const char *err_why(int error)
{
	switch (error) {
	case EPERM:
		return "refused by the kernel (EPERM)";
	case EACCES:
		return "access refused (EACCES)";
	case ENOENT:
		return "missing (ENOENT)";
	/* Where C libraries differ: these are what users search for. */
	case EBUSY:
		return "Device or resource busy";
	case ELOOP:
		return "Too many levels of symbolic links";
	case EMFILE:
		return "Too many open files";
	case ENFILE:
		return "Too many open files in system";
	case ENOMEM:
		return "Cannot allocate memory";
	case EOPNOTSUPP:
		return "Operation not supported";
	case ERANGE:
		return "Numerical result out of range";
	case ETIMEDOUT:
		return "Connection timed out";
	case EUSERS:
		return "Too many users";
	case EXDEV:
		return "Invalid cross-device link";
	default:
		return strerror(error);
	}
}
