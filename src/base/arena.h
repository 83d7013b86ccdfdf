/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of one command: everything it parses and plans lives here, freed all at once or
 * never. */
#pragma once

#include "src/base/err.h"

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

/* Zero-initialise. Allocation never returns NULL: see memory_get(). */
struct arena {
	struct arena_block *blocks;
	char *next, *end;
};

/* Zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull, malloc));
void *arena_array(struct arena *arena, size_t n, size_t size) __attribute__((returns_nonnull));
#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

/* Copies with a terminating NUL. arena_strdup(NULL) is NULL. */
char *arena_strdup(struct arena *arena, const char *s);
char *arena_strndup(struct arena *arena, const char *s, size_t len)
	__attribute__((returns_nonnull));
char *arena_strf(struct arena *arena, const char *fmt, ...) PRINTF(2, 3)
	__attribute__((returns_nonnull));

/* Copies an array (n elements of size) into a larger one with room for cap elements. */
void *arena_grow(struct arena *arena, const void *old, size_t n, size_t cap, size_t size)
	__attribute__((returns_nonnull));

/* Makes room for one more element: returns the array itself, or a larger copy if its n elements
 * fill all of *cap. */
void *arena_room(struct arena *arena, void *old, size_t n, size_t *cap, size_t size);

/* Frees everything; the arena can be used again. */
void arena_free(struct arena *arena);

/* The same for immediate reuse: keeps the pages already touched. */
void arena_reset(struct arena *arena);
