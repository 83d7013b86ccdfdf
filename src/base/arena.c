/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/arena.h"

#include "src/base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_SIZE = 16 * 1024, ALIGNMENT = 16 };

struct arena_block {
	struct arena_block *older;
	_Alignas(ALIGNMENT) char data[];
};

static void add_block(struct arena *arena, size_t size)
{
	struct arena_block *block;

	if (size > SIZE_MAX - sizeof(*block))
		memory_ran_out();
	block = memory_get(sizeof(*block) + size);
	block->older = arena->blocks;
	arena->blocks = block;
	arena->next = block->data;
	arena->end = block->data + size;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	char *p;

	if (size > SIZE_MAX - ALIGNMENT)
		memory_ran_out();
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
		memory_ran_out();
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
	size_t room = arena->next ? (size_t)(arena->end - arena->next) : 0;
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(arena->next, room, fmt, ap);
	va_end(ap);
	if (len < 0)
		memory_ran_out();
	text = arena_alloc(arena, (size_t)len + 1);
	if ((size_t)len < room) /* already formatted in place */
		return text;
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

void *arena_room(struct arena *arena, void *old, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return old;
	*cap = *cap ? 2 * *cap : 8;
	return arena_grow(arena, old, n, *cap, size);
}

void arena_free(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *older = arena->blocks->older;

		memory_put(arena->blocks);
		arena->blocks = older;
	}
	arena->next = arena->end = NULL;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *block = arena->blocks;

	if (!block || block->older || arena->end - block->data != BLOCK_SIZE) {
		arena_free(arena);
		return;
	}
	memset(block->data, 0, (size_t)(arena->next - block->data));
	arena->next = block->data;
}
