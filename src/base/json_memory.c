/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_memory.h"

#include "src/base/memory.h"

static void *allocate(void *data, size_t size)
{
	(void)data;
	return memory_get(size);
}

static void *reallocate(void *data, void *old, size_t size)
{
	(void)data;
	return memory_resize(old, size);
}

static void release(void *data, void *memory)
{
	(void)data;
	memory_put(memory);
}

yajl_alloc_funcs *json_memory(void)
{
	static yajl_alloc_funcs memory = { .malloc = allocate,
					   .realloc = reallocate,
					   .free = release };

	return &memory;
}
