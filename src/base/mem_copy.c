/* SPDX-License-Identifier: Apache-2.0 */
/* memcpy(3) and memmove(3) where musl's are replaced: on x86-64, musl copies everything with `rep
 * movsq`, which takes some 25 ns to begin, and nearly all that usrun copies are short texts. */
#include <stdint.h>
#include <string.h>

enum { CHUNK = 16, LARGE = 1024 };

/* Parts of a text, at any address. */
typedef unsigned char chunk __attribute__((vector_size(CHUNK), aligned(1), may_alias));
typedef uint64_t part8 __attribute__((aligned(1), may_alias));
typedef uint32_t part4 __attribute__((aligned(1), may_alias));
typedef uint16_t part2 __attribute__((aligned(1), may_alias));

/* Two parts that overlap in the middle cover every length between theirs and its double. Both are
 * read before the first is written, so that from and to may overlap as well. */
#define COPY_BOTH_ENDS(type)                                                                       \
	do {                                                                                       \
		type first = *(const type *)from;                                                  \
		type last = *(const type *)(from + n - sizeof(type));                              \
                                                                                                   \
		*(type *)to = first;                                                               \
		*(type *)(to + n - sizeof(type)) = last;                                           \
	} while (0)

static inline void copy_short(char *to, const char *from, size_t n)
{
	if (n >= sizeof(part8))
		COPY_BOTH_ENDS(part8);
	else if (n >= sizeof(part4))
		COPY_BOTH_ENDS(part4);
	else if (n >= sizeof(part2))
		COPY_BOTH_ENDS(part2);
	else if (n)
		*to = *from;
}

/* The compiler must not take a loop for a call of the function that it is in. */
static void keep_loop(void)
{
	__asm__ volatile("" ::: "memory");
}

/* From the start on: right unless `to` lies within the bytes behind `from`. */
static void copy_forward(char *to, const char *from, size_t n)
{
	chunk last = *(const chunk *)(from + n - CHUNK);

	for (size_t i = 0; i < n - CHUNK; i += CHUNK) {
		*(chunk *)(to + i) = *(const chunk *)(from + i);
		keep_loop();
	}
	*(chunk *)(to + n - CHUNK) = last;
}

static void copy_backward(char *to, const char *from, size_t n)
{
	chunk first = *(const chunk *)from;

	for (size_t i = n; i > CHUNK; i -= CHUNK) {
		*(chunk *)(to + i - CHUNK) = *(const chunk *)(from + i - CHUNK);
		keep_loop();
	}
	*(chunk *)to = first;
}

static void copy_large(char *to, const char *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	if (n <= CHUNK)
		copy_short(to, from, n);
	else if (n <= LARGE)
		copy_forward(to, from, n);
	else
		copy_large(to, from, n);
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	if (n <= CHUNK)
		copy_short(to, from, n);
	else if ((uintptr_t)to - (uintptr_t)from < n)
		copy_backward(to, from, n);
	else
		copy_forward(to, from, n);
	return to;
}
