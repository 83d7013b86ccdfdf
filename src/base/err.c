/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/err.h"

#include "src/base/str.h"

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
	str_line(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return negative_code(err);
}

int err_errno(struct err *err, int error, const char *fmt, ...)
{
	const char *why;
	va_list ap;

	set_code(err, error);
	why = err_why(err->code);
	va_start(ap, fmt);
	str_line(err->text, sizeof(err->text) - strlen(": ") - strlen(why), fmt, ap);
	va_end(ap);
	strcat(strcat(err->text, ": "), why);
	return negative_code(err);
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	char words[sizeof(err->text)];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	str_line(words, sizeof(words) / 2, fmt, ap);
	va_end(ap);
	strcat(words, ": ");
	len = strlen(words);
	str_cut(err->text, sizeof(err->text) - 1 - len);
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
	str_line(err->hint, sizeof(err->hint), fmt, ap);
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
