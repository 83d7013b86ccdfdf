/* SPDX-License-Identifier: Apache-2.0 */
/* The names in an open directory, without readdir(3)'s stream and heap. */
#pragma once

#include <stddef.h>

struct listing {
	int fd;
	size_t at, len;
	char buf[2048] __attribute__((aligned(8)));
};

/* Starts over, which affects everybody who reads the same open directory. */
void listing_begin(struct listing *listing, int fd);

/* The next name except "." and "..", valid until the next call. NULL at the end (*r is 0) or after
 * an error (*r is -errno). */
const char *listing_next(struct listing *listing, int *r);
