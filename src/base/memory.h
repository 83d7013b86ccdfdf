/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for all of usrun, ours and yajl's. Most commands live in a pool that is part of the
 * program and ask the kernel for nothing. When the kernel refuses more, the end of the pool is kept
 * for what is left to do: the container is made, or undone, and not left half made. */
#pragma once

#include <stddef.h>

/* Zeroed memory, aligned for any type; never NULL: see memory_ran_out(). */
void *memory_get(size_t size) __attribute__((returns_nonnull, malloc));

/* The same contents in size bytes, perhaps elsewhere; what is added is not zeroed. old may be
 * NULL. */
void *memory_resize(void *old, size_t size) __attribute__((returns_nonnull));

/* NULL is ignored. */
void memory_put(void *memory);

/* Says so and ends the program: the reserve is used up as well, and nobody here could go on. */
void memory_ran_out(void) __attribute__((noreturn));
