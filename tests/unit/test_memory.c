/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/memory.h"
#include "tests/lib/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POOL = 512 * 1024, MORE_THAN_THE_POOL = 4 * POOL, KEPT = 64 * 1024 };

/* Byte by byte: copies n bytes from `from` to `to` of the text, as memmove(3) does. */
static void move_slowly(unsigned char *text, size_t to, size_t from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = to > from ? n - 1 - i : i;

		text[to + k] = text[from + k];
	}
}

static void fill(unsigned char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		text[i] = (unsigned char)(i * 7 + i / 251);
}

/* The C library's or our own (src/base/mem_copy.c); a volatile pointer keeps the compiler's out. */
TEST(copies_of_any_length_are_exact)
{
	static void *(*volatile const copy)(void *, const void *, size_t) = memcpy;
	static void *(*volatile const move)(void *, const void *, size_t) = memmove;
	static const size_t shifts[] = { 1, 2, 7, 15, 16, 17, 33, 300 };
	enum { LONGEST = 1100, MARGIN = 300, TEXT = 2 * (LONGEST + MARGIN) };
	static unsigned char text[TEXT], expected[TEXT];

	for (size_t n = 0; n <= LONGEST; n++) {
		fill(text, TEXT);
		fill(expected, TEXT);
		move_slowly(expected, LONGEST + MARGIN + n % 9, n % 5, n);
		CHECK(copy(text + LONGEST + MARGIN + n % 9, text + n % 5, n) ==
		      text + LONGEST + MARGIN + n % 9);
		CHECK(memcmp(text, expected, TEXT) == 0);
		for (size_t i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++) {
			(void)move(text + shifts[i] + n % 3, text + n % 3, n);
			move_slowly(expected, shifts[i] + n % 3, n % 3, n);
			(void)move(text + n % 3, text + shifts[i] + n % 3, n);
			move_slowly(expected, n % 3, shifts[i] + n % 3, n);
			CHECK(memcmp(text, expected, TEXT) == 0);
		}
	}
}

TEST(a_piece_keeps_its_contents_when_it_moves)
{
	char *p = memory_resize(NULL, 10), *between;

	memcpy(p, "contents", 9);
	p = memory_resize(p, 100);
	CHECK_STR(p, "contents");
	between = memory_get(1);
	p = memory_resize(p, 1000);
	CHECK_STR(p, "contents");
	p = memory_resize(p, MORE_THAN_THE_POOL);
	CHECK_STR(p, "contents");
	p = memory_resize(p, 2 * MORE_THAN_THE_POOL);
	CHECK_STR(p, "contents");
	memory_put(p);
	memory_put(between);
	memory_put(NULL);
}

TEST(what_comes_back_is_zeroed_again)
{
	for (size_t size = 16; size <= MORE_THAN_THE_POOL; size *= 4) {
		char *p = memory_get(size);

		CHECK_ZEROED(p, size);
		memset(p, 0xff, size);
		memory_put(p);
	}
}

#if !USRUN_SANITIZED /* it has memory of its own */
/* Whether the page of an address is in memory. */
static bool is_there(uintptr_t address)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	unsigned char there = 0;

	return mincore((void *)(address & ~(page - 1)), page, &there) == 0 && there & 1;
}

/* Returns an address far down the stack, which it has written to. */
static __attribute__((noinline)) uintptr_t go_deep(void)
{
	volatile char deep[64 * 1024];

	deep[0] = 1;
	return (uintptr_t)&deep[0] + (uintptr_t)(deep[0] - 1);
}

TEST(what_is_free_goes_back_and_the_rest_stays)
{
	char *kept = memory_get(100), *freed = memory_get(KEPT), *again;
	uintptr_t deep = go_deep(), pool = (uintptr_t)freed + KEPT / 2;

	memset(freed, 0xff, KEPT);
	(void)strcpy(kept, "kept");
	memory_put(freed);
	CHECK(is_there(deep) && is_there(pool));
	memory_trim();
	CHECK(!is_there(deep) && !is_there(pool));
	CHECK_STR(kept, "kept");
	again = memory_get(KEPT);
	CHECK(again == freed);
	CHECK_ZEROED(again, KEPT);
	memory_put(again);
	memory_put(kept);
}

TEST(what_comes_back_in_any_order_is_there_again)
{
	char *first = memory_get(KEPT), *second = memory_get(KEPT), *third;

	memset(first, 0xff, KEPT);
	memset(second, 0xff, KEPT);
	memory_put(first);
	third = memory_get(16);
	CHECK(third > second);
	memory_put(second);
	memory_put(third);
	CHECK(memory_get(KEPT) == first);
	CHECK_ZEROED(first, KEPT);
	memory_put(first);
}
#endif

#if !USRUN_SANITIZED /* a sanitizer needs memory of its own */
/* From here on the kernel refuses, and what the C library has left over is taken. */
static void let_memory_run_out(void)
{
	struct rlimit none = { 1, 1 };
	void *volatile taken; /* else a compiler leaves the calls out */

	if (setrlimit(RLIMIT_AS, &none) < 0)
		_exit(2);
	for (size_t size = KEPT; size; size /= 2)
		do
			taken = malloc(size);
		while (taken);
}

/* Returns the exit status of a process that still needs so many KiB when there is no more
 * memory. */
static int take_without_memory(size_t kib)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char *old = memory_get(MORE_THAN_THE_POOL), *moved;

		memcpy(old, "contents", 9);
		for (size_t i = 0; i < POOL; i += KEPT)
			(void)memory_get(KEPT);
		let_memory_run_out();
		moved = memory_resize(memory_get(16), 100);
		memcpy(moved, "moved", 6);
		for (size_t i = 0; i < kib; i++)
			*(char *)memory_get(1024) = 1;
		_exit(strcmp(old, "contents") || strcmp(moved, "moved") ? 3 : 0);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(a_reserve_is_left_when_memory_runs_out)
{
	CHECK_INT(take_without_memory(64), 0);
}

TEST(without_the_reserve_the_program_ends)
{
	CHECK_INT(take_without_memory(POOL / 1024), EXIT_FAILURE);
}
#endif
