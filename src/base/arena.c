/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_SIZE = 16 * 1024, FIRST_SIZE = 64 * 1024, ALIGNMENT = 16 };

struct arena_block {
	struct arena_block *older;
	_Alignas(ALIGNMENT) char data[];
};

/* The program's first block: most commands need no other, and none of its pages that is not touched. Taken once,
 * since nobody would clear it again. */
static union {
	struct arena_block block;
	char space[FIRST_SIZE];
} first;
static bool first_taken;

void arena_out_of_memory(void)
{
	(void)fputs("usrun: out of memory\n", stderr);
	_exit(EXIT_FAILURE);
}

static void add_block(struct arena *arena, size_t size)
{
	struct arena_block *block = &first.block;

	if (!first_taken && size <= FIRST_SIZE - sizeof(*block)) {
		first_taken = true;
		size = FIRST_SIZE - sizeof(*block);
	} else {
		if (size > SIZE_MAX - sizeof(*block))
			arena_out_of_memory();
		block = calloc(1, sizeof(*block) + size);
	}
	if (!block)
		arena_out_of_memory();
	block->older = arena->blocks;
	arena->blocks = block;
	arena->next = block->data;
	arena->end = block->data + size;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	char *p;

	if (size > SIZE_MAX - ALIGNMENT)
		arena_out_of_memory();
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!arena->next || size > (size_t)(arena->end - arena->next))
		add_block(arena, size > BLOCK_SIZE ? size : BLOCK_SIZE);
	p = arena->next;
	arena->next += size;
	return p;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		arena_out_of_memory();
	return arena_alloc(arena, bytes);
}

char *arena_strndup(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (len)
		memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
	return s ? arena_strndup(arena, s, strlen(s)) : NULL;
}

char *arena_strf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		arena_out_of_memory();
	text = arena_alloc(arena, (size_t)len + 1);
	va_start(ap, fmt);
	(void)vsnprintf(text, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return text;
}

void *arena_grow(struct arena *arena, const void *old, size_t n, size_t cap, size_t size)
{
	char *larger = arena_array(arena, cap, size);

	if (n)
		memcpy(larger, old, n * size);
	return larger;
}

void arena_free(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *older = arena->blocks->older;

		if (arena->blocks != &first.block)
			free(arena->blocks);
		arena->blocks = older;
	}
	arena->next = arena->end = NULL;
}
