/* SPDX-License-Identifier: Apache-2.0 */
/* Removes what programs have created: the kernel's own work/work has mode 0, a program's
 * directories may have, too, and trees may nest deeper than descriptors reach. Mounts in them are
 * left alone. */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/layer/layer_record.h"
#include "src/sys/resolve.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 64, MAX_RISEN = 1 << 20 };

struct remover {
	int top; /* deep directories are moved here, to be removed from here */
	unsigned int risen;
};

static int remove_entry(struct remover *r, int dir, const char *name, unsigned int depth);

/* Removes the current entries; any that appear meanwhile belong to somebody else. Takes fd. */
static int remove_entries(struct remover *r, int fd, unsigned int depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int error = 0;

	if (!dir) {
		error = -errno;
		fd_closep(&fd);
		return error;
	}
	while (error == 0 && (entry = io_next_entry(dir, &error)))
		error = remove_entry(r, dirfd(dir), entry->d_name, depth);
	(void)closedir(dir);
	return error;
}

static int make_writable(int dir, const char *name)
{
	_cleanup_close_ int place = resolve_on_mount(dir, name, O_PATH | O_DIRECTORY);
	struct stat st;

	if (place < 0)
		return place;
	if (fstat(place, &st) < 0)
		return -errno;
	if ((st.st_mode & 0700) == 0700)
		return 0;
	return chmod(fd_path(place).text, (st.st_mode & 07777) | 0700) < 0 ? -errno : 0;
}

static int rise(struct remover *r, int dir, const char *name)
{
	char risen[32];

	do {
		if (r->risen == MAX_RISEN)
			return -ELOOP;
		(void)snprintf(risen, sizeof(risen), ".usrun-removed-%u", r->risen++);
	} while (faccessat(r->top, risen, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	return renameat(dir, name, r->top, risen) < 0 ? -errno : 0;
}

static int remove_entry(struct remover *r, int dir, const char *name, unsigned int depth)
{
	int fd, error;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	error = make_writable(dir, name);
	if (error == 0 && depth == MAX_DEPTH)
		return rise(r, dir, name);
	fd = error < 0 ? error : resolve_on_mount(dir, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	error = remove_entries(r, fd, depth + 1);
	if (error == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		error = -errno;
	return error;
}

int layer_remove_tree(int dir, const char *name)
{
	struct remover r = { .top = dir };
	unsigned int done = 0;
	int error = remove_entry(&r, dir, name, 0);

	while (error == 0 && done < r.risen) {
		char risen[32];

		(void)snprintf(risen, sizeof(risen), ".usrun-removed-%u", done++);
		error = remove_entry(&r, dir, risen, 0);
	}
	return error;
}

/* layer.json goes last, so that an interrupted removal leaves a layer behind. */
static int remove_parts(struct arena *arena, const struct layer *layer)
{
	int error;

	for (size_t i = 0; i < layer->parts.n; i++) {
		error = layer_remove_tree(
			layer->fd,
			arena_strf(arena, "%u", (unsigned int)layer->parts.v[i].number.v));

		if (error < 0)
			return error;
	}
	error = layer_record_drop(layer);
	if (error < 0)
		return error;
	return unlinkat(layer->fd, "layer.json", 0) < 0 && errno != ENOENT ? -errno : 0;
}

int layer_remove(struct arena *arena, struct layer *layer, struct err *err)
{
	int error = remove_parts(arena, layer);

	layer_close(layer);
	if (error < 0)
		return err_errno(err, -error, "remove the layer %s", layer->path);
	/* The user may have put other files beside it. */
	if (rmdir(layer->path) < 0 && errno != ENOTEMPTY && errno != EEXIST)
		log_notice("keeping %s: %s", layer->path, err_why(errno));
	return 0;
}
