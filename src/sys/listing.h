/* SPDX-License-Identifier: Apache-2.0 */
/* The names in a directory that is open, without a stream and the heap that readdir(3) takes. */
#pragma once

#include <stddef.h>

struct listing {
	int fd;
	size_t at, len;
	char buf[2048] __attribute__((aligned(8)));
};

/* Begins anew; whoever else reads the same open directory begins anew, too. */
void listing_begin(struct listing *listing, int fd);

/* The next name but "." and "..", valid until the next call; NULL at the end (*r 0) or after an
 * error (*r -errno). */
const char *listing_next(struct listing *listing, int *r);
