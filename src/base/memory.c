/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/memory.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { POOL_SIZE = 512 * 1024, RESERVE = 96 * 1024, ALIGNMENT = 16, FREED = 1 };

enum {
	EVERYDAY = USRUN_SANITIZED ? 0 : POOL_SIZE - RESERVE
}; /* when sanitized, use its allocator, which reports more */

struct piece {
	size_t size; /* of data, a multiple of ALIGNMENT, plus the flag FREED */
	struct piece *older;
	_Alignas(ALIGNMENT) char data[];
};

/* As large as what a start takes with its filter: musl's calloc() reads each page of a block before
 * it is written: two page faults instead of one. Grows and shrinks only at its end: a piece freed
 * out of order stays until those after it are freed, too. Everything beyond `used` is zero, and its
 * pages are untouched. A common symbol, which the linker puts behind all others: in their midst it
 * would scatter them over one page more. */
extern char memory_pool[POOL_SIZE];
_Alignas(ALIGNMENT) char memory_pool[POOL_SIZE] __attribute__((common));
static size_t taken, used; /* used: the high-water mark */
static struct piece *last;

static int failure = EXIT_FAILURE;

void memory_fail_with(int status)
{
	failure = status;
}

void memory_ran_out(void)
{
	(void)fputs("usrun: out of memory\n", stderr);
	_exit(failure);
}

static struct piece *piece_of(void *memory)
{
	return (struct piece *)((char *)memory - offsetof(struct piece, data));
}

static bool is_of_pool(const void *memory)
{
	return (uintptr_t)memory >= (uintptr_t)memory_pool &&
	       (uintptr_t)memory < (uintptr_t)memory_pool + POOL_SIZE;
}

static bool fits(size_t size, size_t limit)
{
	return taken <= limit && size <= limit - taken;
}

static size_t rounded(size_t size)
{
	if (size > SIZE_MAX - sizeof(struct piece) - ALIGNMENT)
		memory_ran_out();
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static void grow(size_t size)
{
	taken += size;
	if (used < taken)
		used = taken;
}

static void *take(size_t size, size_t limit)
{
	struct piece *piece = (struct piece *)(memory_pool + taken);

	size = rounded(size);
	if (!fits(sizeof(*piece) + size, limit))
		return NULL;
	if (taken < used)
		memset(piece, 0,
		       used - taken < sizeof(*piece) + size ? used - taken : sizeof(*piece) + size);
	piece->size = size;
	piece->older = last;
	last = piece;
	grow(sizeof(*piece) + size);
	return piece->data;
}

void *memory_get(size_t size)
{
	void *memory = take(size, EVERYDAY);

	if (!memory)
		memory = calloc(1, size ? size : 1);
	if (!memory)
		memory = take(size, POOL_SIZE);
	if (!memory)
		memory_ran_out();
	return memory;
}

static void *move(void *old, size_t old_size, size_t size)
{
	void *memory = memory_get(size);

	memcpy(memory, old, old_size < size ? old_size : size);
	memory_put(old);
	return memory;
}

static void *resize_in_pool(void *old, size_t size)
{
	struct piece *piece = piece_of(old);
	size_t more;

	size = rounded(size);
	if (size <= piece->size)
		return old;
	more = size - piece->size;
	if (piece != last || !fits(more, EVERYDAY))
		return move(old, piece->size, size);
	piece->size = size;
	grow(more);
	return old;
}

void *memory_resize(void *old, size_t size)
{
	void *memory;

	if (!old)
		return memory_get(size);
	if (is_of_pool(old))
		return resize_in_pool(old, size);
	memory = realloc(old, size ? size : 1);
	return memory ? memory : move(old, malloc_usable_size(old), size);
}

void memory_put(void *memory)
{
	struct piece *piece;

	if (!memory || !is_of_pool(memory)) {
		free(memory);
		return;
	}
	piece = piece_of(memory);
	piece->size |= FREED;
	for (; last && (last->size & FREED); last = last->older)
		taken -= sizeof(*last) + (last->size - FREED);
}

/* The whole pages between them read as zero afterwards. */
static void give_back(uintptr_t from, uintptr_t to, uintptr_t page)
{
	from = (from + page - 1) & ~(page - 1);
	to &= ~(page - 1);
	if (from < to)
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
}

void memory_trim(void)
{
	/* DEEPEST: no stack of ours is, and nothing else is mapped as near below one. CALLS: the
	 * frames from here to madvise(). */
	enum { DEEPEST = 256 * 1024, CALLS = 1024 };
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0), pool = (uintptr_t)memory_pool;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t end = used + page < POOL_SIZE ? used + page : POOL_SIZE;

	give_back(pool + taken, pool + end, page);
	if (!USRUN_SANITIZED) /* a sanitizer keeps track of what is on the stack */
		give_back(frame - DEEPEST, frame - CALLS, page);
}
