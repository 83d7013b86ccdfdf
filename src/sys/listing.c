/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/listing.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct entry { /* layout of getdents64(2), on every architecture */
	uint64_t ino, off;
	uint16_t len;
	uint8_t type;
	char name[];
};

void listing_begin(struct listing *listing, int fd)
{
	listing->fd = fd;
	listing->at = listing->len = 0;
	(void)lseek(fd, 0, SEEK_SET);
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

const char *listing_next(struct listing *listing, int *r)
{
	*r = 0;
	for (;;) {
		const struct entry *entry = (const void *)(listing->buf + listing->at);

		if (listing->at == listing->len) {
			long n = syscall(SYS_getdents64, listing->fd, listing->buf,
					 sizeof(listing->buf));

			*r = n < 0 ? -errno : 0;
			if (n <= 0)
				return NULL;
			listing->at = 0;
			listing->len = (size_t)n;
			continue;
		}
		listing->at += entry->len;
		if (!is_dots(entry->name))
			return entry->name;
	}
}
