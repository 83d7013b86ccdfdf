/* SPDX-License-Identifier: Apache-2.0 */
/* With musl only: yajl, libseccomp and libcap may be archives compiled for glibc with
 * -D_FORTIFY_SOURCE, which call these functions. Each does what its plain namesake does, and ends
 * the program if the destination is too small. The flag requests format checks, which only glibc
 * has. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__memcpy_chk(void *to, const void *from, size_t len, size_t size);
int __sprintf_chk(char *to, int flag, size_t size, const char *format, ...);
int __snprintf_chk(char *to, size_t len, int flag, size_t size, const char *format, ...);
int __fprintf_chk(FILE *to, int flag, const char *format, ...);
int __asprintf_chk(char **to, int flag, const char *format, ...);

void *__memcpy_chk(void *to, const void *from, size_t len, size_t size)
{
	if (len > size)
		abort();
	return memcpy(to, from, len);
}

int __sprintf_chk(char *to, int flag, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	(void)flag;
	va_start(args, format);
	n = vsnprintf(to, size, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n >= size)
		abort();
	return n;
}

int __snprintf_chk(char *to, size_t len, int flag, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	(void)flag;
	if (len > size)
		abort();
	va_start(args, format);
	n = vsnprintf(to, len, format, args);
	va_end(args);
	return n;
}

int __fprintf_chk(FILE *to, int flag, const char *format, ...)
{
	va_list args;
	int n;

	(void)flag;
	va_start(args, format);
	n = vfprintf(to, format, args);
	va_end(args);
	return n;
}

int __asprintf_chk(char **to, int flag, const char *format, ...)
{
	va_list args;
	int n;

	(void)flag;
	va_start(args, format);
	n = vasprintf(to, format, args);
	va_end(args);
	return n;
}
