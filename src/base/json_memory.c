/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_memory.h"

#include "src/base/arena.h"

#include <stdlib.h>

static void *checked(void *memory)
{
	if (!memory)
		arena_out_of_memory();
	return memory;
}

static void *allocate(void *data, size_t size)
{
	(void)data;
	return checked(malloc(size));
}

static void *reallocate(void *data, void *old, size_t size)
{
	(void)data;
	return checked(realloc(old, size));
}

static void release(void *data, void *memory)
{
	(void)data;
	free(memory);
}

yajl_alloc_funcs *json_memory(void)
{
	static yajl_alloc_funcs memory = { .malloc = allocate,
					   .realloc = reallocate,
					   .free = release };

	return &memory;
}
