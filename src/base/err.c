/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/err.h"

#include "src/base/str.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ERRNO = 4095 };

static int negative_code(const struct err *err)
{
	return err->code > 0 ? -err->code : -EINVAL;
}

static void set_code(struct err *err, int code)
{
	err->code = code > 0 ? code : EINVAL;
	err->step[0] = '\0';
	err->path[0] = '\0';
	err->hint[0] = '\0';
}

/* Formats the text; an ERR_AT format's leading path goes to *path. */
static void format(char *text, size_t size, char path[ERR_PATH_MAX], const char *fmt, va_list ap)
{
	char head[128], whole[sizeof(((struct err *)0)->text)];
	const char *rest;
	va_list again;
	size_t len;

	if (*fmt != *ERR_AT) {
		str_line(text, size, fmt, ap);
		return;
	}
	fmt++;
	rest = strstr(fmt, ": ");
	len = rest ? (size_t)(rest - fmt) : strlen(fmt);
	assert(len < sizeof(head));
	memcpy(head, fmt, len);
	head[len] = '\0';
	va_copy(again, ap);
	str_line(whole, sizeof(whole), head, again);
	va_end(again);
	len = strlen(whole) + strlen(": ");
	str_cut(whole, ERR_PATH_MAX - 1);
	strcpy(path, whole);
	str_line(whole, sizeof(whole), fmt, ap);
	(void)snprintf(text, size, "%s", strlen(whole) > len ? whole + len : "");
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	set_code(err, code);
	va_start(ap, fmt);
	format(err->text, sizeof(err->text), err->path, fmt, ap);
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
	format(err->text, sizeof(err->text) - strlen(": ") - strlen(why), err->path, fmt, ap);
	va_end(ap);
	strcat(strcat(err->text, *err->text ? ": " : ""), why);
	if (error == EMFILE) /* no single file is to blame */
		(void)err_hint(err, "usrun may have too few files open: raise `ulimit -n`, such as "
				    "to 1024");
	return negative_code(err);
}

static void put_in_front(struct err *err, const char *words)
{
	size_t len = strlen(words);

	str_cut(err->text, sizeof(err->text) - 1 - len);
	memmove(err->text + len, err->text, strlen(err->text) + 1);
	memcpy(err->text, words, len);
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	char words[sizeof(err->text) / 2 + 2], path[ERR_PATH_MAX] = "";
	va_list ap;

	va_start(ap, fmt);
	format(words, sizeof(words) - strlen(": "), path, fmt, ap);
	va_end(ap);
	if (*words)
		put_in_front(err, strcat(words, ": "));
	if (!*err->path)
		memcpy(err->path, path, sizeof(path));
	return negative_code(err);
}

static int put_name(struct err *err, const char *name, const char *path)
{
	char words[sizeof(err->text) / 2];

	if (!*err->path)
		return negative_code(err);
	(void)snprintf(words, sizeof(words), *path ? "%s: %s: " : "%s: ", name, path);
	put_in_front(err, words);
	err->path[0] = '\0';
	return negative_code(err);
}

int err_document(struct err *err, const char *name)
{
	return put_name(err, name, err->path);
}

int err_option(struct err *err, const char *name)
{
	return put_name(err, name, "");
}

int err_hint(struct err *err, const char *fmt, ...)
{
	va_list ap;

	if (err->hint[0])
		return negative_code(err);
	va_start(ap, fmt);
	str_line(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
	return negative_code(err);
}

int err_hint_first(struct err *err, const char *fmt, ...)
{
	char words[sizeof(err->hint)], whole[2 * sizeof(err->hint) + 4];
	va_list ap;

	va_start(ap, fmt);
	str_line(words, sizeof(words), fmt, ap);
	va_end(ap);
	(void)snprintf(whole, sizeof(whole), err->hint[0] ? "%s; %s" : "%s", words, err->hint);
	str_cut(whole, sizeof(err->hint) - 1);
	strcpy(err->hint, whole);
	return negative_code(err);
}

/* Lower-cases the first letter, except in "I/O". */
static const char *lower(const char *words)
{
	static char text[128];

	(void)snprintf(text, sizeof(text), "%s", words);
	if (islower((unsigned char)text[0] ? (unsigned char)text[1] : 0))
		text[0] = (char)tolower((unsigned char)text[0]);
	return text;
}

static char missing_call[256];

void err_name_missing(const char *call, const char *since, const char *release)
{
	(void)snprintf(
		missing_call, sizeof(missing_call),
		"%s: function not implemented: a filter around usrun (such as Docker's default "
		"seccomp profile) or a kernel before %s refuses it; this is %.64s",
		call, since, release);
}

const char *err_why(int error)
{
	switch (error) {
	case ENOSYS:
		return *missing_call ? missing_call : lower(strerror(error));
	/* Engines take "no such file or directory" to mean that the user's command is missing, and
	 * exit with 127. */
	case ENOENT:
		return "no such path";
	/* C libraries differ here, and these are the words that users search for. */
	case EPERM:
		return "operation not permitted";
	case EBUSY:
		return "device or resource busy";
	case ELOOP:
		return "too many levels of symbolic links";
	case EMFILE:
		return "too many open files";
	case ENFILE:
		return "too many open files in system";
	case ENOMEM:
		return "cannot allocate memory";
	case EOPNOTSUPP:
		return "operation not supported";
	case ERANGE:
		return "numerical result out of range";
	case ETIMEDOUT:
		return "connection timed out";
	case EUSERS:
		return "too many users";
	case EXDEV:
		return "invalid cross-device link";
	default:
		return lower(strerror(error));
	}
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

bool err_is_whole(const struct err *said)
{
	return said->code > 0 && said->code <= MAX_ERRNO && said->text[0] &&
	       ends(said->step, sizeof(said->step)) && ends(said->path, sizeof(said->path)) &&
	       ends(said->text, sizeof(said->text)) && ends(said->hint, sizeof(said->hint));
}

int err_take(struct err *err, const struct err *said)
{
	*err = (struct err){ 0 };
	(void)err_set(err, said->code, "%s", said->text);
	(void)err_prefix(err, ERR_AT "%s", said->path);
	if (said->hint[0])
		err_hint(err, "%s", said->hint);
	if (said->step[strspn(said->step, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0')
		memcpy(err->step, said->step, sizeof(err->step));
	return -err->code;
}

bool err_is_absence(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP ||
	       error == ENAMETOOLONG || error == ENOTCONN;
}

bool err_is_shortage(int error)
{
	return error == ENOMEM || error == EMFILE || error == ENFILE;
}
