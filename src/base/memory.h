/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for all of usrun, ours and yajl's. Most commands fit into a pool that is part of the
 * program and ask the kernel for none. If the kernel refuses more, the end of the pool is a
 * reserve: the container is created or undone, never left half created. */
#pragma once

#include <stddef.h>

/* Zeroed memory, aligned for any type; never NULL: see memory_ran_out(). */
void *memory_get(size_t size) __attribute__((returns_nonnull, malloc));

/* The same contents in size bytes, perhaps elsewhere; the added part is not zeroed. old may be
 * NULL. */
void *memory_resize(void *old, size_t size) __attribute__((returns_nonnull));

/* NULL is ignored. */
void memory_put(void *memory);

/* Reports it and ends the program: the reserve is used up too, and no caller could go on. */
void memory_ran_out(void) __attribute__((noreturn));
