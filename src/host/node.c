/* SPDX-License-Identifier: Apache-2.0 */
#include "src/host/node.h"

#include "src/base/io.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

bool node_is(const struct stat *st, uint32_t mode, uint32_t major, uint32_t minor)
{
	if ((st->st_mode & S_IFMT) != (mode & S_IFMT))
		return false;
	return S_ISFIFO(st->st_mode) || st->st_rdev == makedev(major, minor);
}

const char *node_find(struct arena *arena, const char *path, uint32_t mode, uint32_t major,
		      uint32_t minor)
{
	const char *name;
	char text[512];
	struct stat st;

	if (stat(path, &st) == 0 && node_is(&st, mode, major, minor))
		return path;
	path = arena_strf(arena, "/sys/dev/%s/%u:%u/uevent", S_ISBLK(mode) ? "block" : "char",
			  major, minor);
	if (io_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return NULL;
	name = strstr(text, "DEVNAME=");
	if (!name)
		return NULL;
	name += strlen("DEVNAME=");
	path = arena_strf(arena, "/dev/%.*s", (int)strcspn(name, "\n"), name);
	return stat(path, &st) == 0 && node_is(&st, mode, major, minor) ? path : NULL;
}
