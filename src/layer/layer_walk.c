/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what a program has created. */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/layer/layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

int layer_open_dir(int dir, const char *name, mode_t *ret_mode)
{
	_cleanup_close_ int place = -1;
	struct stat st;
	int fd;

	*ret_mode = 0;
	place = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place < 0 || fstat(place, &st) < 0)
		return -errno;
	if ((st.st_mode & 0500) != 0500 &&
	    chmod(fd_path(place).text, (st.st_mode & 07777) | 0700) == 0)
		*ret_mode = st.st_mode;
	fd = openat(dir, name, DIRECTORY);
	return fd < 0 ? -errno : fd;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int layer_list(struct arena *arena, int fd, const char *const **ret, size_t *ret_n)
{
	DIR *dir = fdopendir(fd);
	const char **v = NULL;
	struct dirent *entry;
	size_t n = 0, cap = 0;
	int error;

	if (!dir) {
		fd_closep(&fd);
		return -errno;
	}
	while ((entry = io_next_entry(dir, &error))) {
		v = arena_room(arena, v, n, &cap, sizeof(*v));
		v[n++] = arena_strdup(arena, entry->d_name);
	}
	(void)closedir(dir);
	if (error < 0)
		return error;
	if (n)
		qsort(v, n, sizeof(*v), compare);
	*ret = v;
	*ret_n = n;
	return 0;
}
