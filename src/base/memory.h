/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator of all of usrun, and of yajl. Most commands fit into a static pool and request no
 * memory from the kernel. If the kernel refuses more, the end of the pool is a reserve: it suffices
 * to finish creating a container or to undo it, so that none is left half created. */
#pragma once

#include <stddef.h>

/* Zeroed memory, aligned for any type; never NULL: see memory_ran_out(). */
void *memory_get(size_t size) __attribute__((returns_nonnull, malloc));

/* Resizes to size bytes, possibly moving the contents; the added part is not zeroed. old may be
 * NULL. */
void *memory_resize(void *old, size_t size) __attribute__((returns_nonnull));

/* NULL is ignored. */
void memory_put(void *memory);

/* Gives the kernel what is free back: pages of the pool, and of the stack below the caller's frame.
 * For a process that is about to wait. */
void memory_trim(void);

/* The exit status then; 1 if it is never called. */
void memory_fail_with(int status);

/* Reports that memory ran out and exits: even the reserve is used up, and no caller could go on. */
void memory_ran_out(void) __attribute__((noreturn));
