/* SPDX-License-Identifier: Apache-2.0 */
/* The test harness: TEST(name) { CHECK(...); }. Link with check.c, which has main(). A failed check
 * says where and what, and the test goes on; the program exits 1 at the end. */
#pragma once

#include "src/base/err.h"

#include <stddef.h>

typedef void check_function(void); /* the one typedef: it makes TEST() readable */

void check_register(const char *name, check_function *function);
void check_that(bool ok, const char *file, int line, const char *text);
void check_int(long long got, long long wanted, const char *file, int line, const char *text);
void check_str(const char *got, const char *wanted, const char *file, int line, const char *text);
void check_zeroed(const void *p, size_t size, const char *file, int line);
/* The text of an error as the command says it that reads config.json; valid until the next call. */
const char *check_said(const struct err *err);
void check_err(long long r, const struct err *err, const char *part, const char *file, int line);

/* Ends the program with exit status 77: something that the test needs is missing. */
void check_skip(const char *reason) __attribute__((noreturn));

#define TEST(name)                                                                                 \
	static void test_##name(void);                                                             \
	static __attribute__((constructor)) void register_##name(void)                             \
	{                                                                                          \
		check_register(#name, test_##name);                                                \
	}                                                                                          \
	static void test_##name(void)

#define CHECK(cond) check_that((cond), __FILE__, __LINE__, #cond)
#define CHECK_INT(got, wanted)                                                                     \
	check_int((long long)(got), (long long)(wanted), __FILE__, __LINE__, #got)
#define CHECK_STR(got, wanted) check_str((got), (wanted), __FILE__, __LINE__, #got)
/* All size bytes at p, which is aligned for any type, are zero. */
#define CHECK_ZEROED(p, size) check_zeroed((p), (size), __FILE__, __LINE__)
/* r is negative and the text of err has the part. */
#define CHECK_ERR(r, err, part) check_err((r), (err), (part), __FILE__, __LINE__)
#define SKIP(reason) check_skip(reason)
