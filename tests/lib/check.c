/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TESTS = 256 };

static struct {
	const char *name;
	check_function *function;
} tests[MAX_TESTS];
static size_t n_tests, n_failed;

void check_register(const char *name, check_function *function)
{
	if (n_tests == MAX_TESTS)
		abort();
	tests[n_tests].name = name;
	tests[n_tests++].function = function;
}

static void failed(const char *file, int line)
{
	n_failed++;
	printf("%s:%d: ", file, line);
}

void check_that(bool ok, const char *file, int line, const char *text)
{
	if (ok)
		return;
	failed(file, line);
	printf("%s is false\n", text);
}

void check_int(long long got, long long wanted, const char *file, int line, const char *text)
{
	if (got == wanted)
		return;
	failed(file, line);
	printf("%s is %lld, not %lld\n", text, got, wanted);
}

void check_zeroed(const void *p, size_t size, const char *file, int line)
{
	size_t set = 0;

	for (size_t i = 0; i < size; i++)
		set += ((const char *)p)[i] != 0;
	check_int((long long)set, 0, file, line, "number of bytes that are not zero");
	check_int((long long)((uintptr_t)p % 16), 0, file, line, "place in 16 bytes");
}

void check_str(const char *got, const char *wanted, const char *file, int line, const char *text)
{
	if (got && wanted ? strcmp(got, wanted) == 0 : got == wanted)
		return;
	failed(file, line);
	printf("%s is \"%s\", not \"%s\"\n", text, got ? got : "(null)",
	       wanted ? wanted : "(null)");
}

const char *check_said(const struct err *err)
{
	static struct err said;

	said = *err;
	(void)err_document(&said, "config.json");
	return said.text;
}

void check_err(long long r, const struct err *err, const char *part, const char *file, int line)
{
	if (r < 0 && strstr(check_said(err), part))
		return;
	failed(file, line);
	printf("got %lld, \"%s\", instead of an error with \"%s\"\n", r,
	       r < 0 ? check_said(err) : "", part);
}

void check_skip(const char *reason)
{
	printf("skipped: %s\n", reason);
	exit(77);
}

int main(void)
{
	for (size_t i = 0; i < n_tests; i++) {
		size_t before = n_failed;

		tests[i].function();
		printf("%s %s\n", n_failed == before ? "ok  " : "FAIL", tests[i].name);
	}
	return n_failed ? 1 : 0;
}
