/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of the host whose changes stay in memory: an overlay, whose upper layer is a tmpfs of
 * its own.
 *
 * The kernel takes as a layer only what is mounted in this mount namespace. So the tmpfs is mounted
 * on the very place of the overlay, which then covers it: nobody inside can look beneath, and both
 * end together. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/sys/mountfd.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int failed(const struct mount_entry *m, int error, const char *what, struct err *err)
{
	return err_errno(err, error, ERR_AT "mounts[%ld]: %s, for writes that are thrown away",
			 m->config_index, what);
}

/* As the overlay's own top it has the mode of the directory that it stands for. */
static int make_layer(const struct mount_entry *m, int source, int target)
{
	_cleanup_close_ int fs = mountfd_fs_open("tmpfs"), layer = -1;
	struct stat st;
	int r = fs < 0 ? fs : mountfd_fs_set(fs, "mode", "0700");

	for (size_t i = 0; r >= 0 && i < m->n_super; i++)
		r = mountfd_fs_set(fs, m->super[i].key, m->super[i].value);
	if (r >= 0)
		r = mountfd_fs_create(fs);
	layer = r < 0 ? r : mountfd_fs_mount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (layer < 0)
		return layer;
	r = mountfd_attach(layer, target);
	if (r < 0)
		return r;
	if (fstat(source, &st) < 0 || mkdirat(layer, "upper", st.st_mode & 07777) < 0 ||
	    mkdirat(layer, "work", 0700) < 0)
		return -errno;
	return fd_take(&layer);
}

/* Names by descriptors: a path may have colons and commas in it. */
static int configure(int fs, int source, int upper, int work)
{
	const struct {
		const char *key;
		int fd;
	} layers[] = { { "lowerdir", source }, { "upperdir", upper }, { "workdir", work } };
	int r = mountfd_fs_set(fs, "source", "scratch");

	for (size_t i = 0; r >= 0 && i < 3; i++)
		r = mountfd_fs_set(fs, layers[i].key, fd_path(layers[i].fd).text);
	if (r >= 0)
		r = mountfd_fs_set(fs, "userxattr", NULL);
	if (r >= 0)
		r = mountfd_fs_set(fs, "volatile", NULL); /* nothing of it is worth a sync */
	return r < 0 ? r : mountfd_fs_create(fs);
}

static int make_overlay(const struct mount_entry *m, int source, int layer, struct err *err)
{
	_cleanup_close_ int fs = mountfd_fs_open("overlay");
	_cleanup_close_ int upper =
		openat(layer, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_close_ int work =
		openat(layer, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char words[256];
	int r = fs < 0 ? fs : upper < 0 || work < 0 ? -errno : configure(fs, source, upper, work);

	if (r >= 0)
		r = mountfd_fs_mount(fs,
				     (m->attr_set | m->rattr_set) & ~(uint64_t)MOUNT_ATTR_RDONLY);
	if (r >= 0)
		return r;
	mountfd_fs_message(fs, words, sizeof(words));
	words[strcspn(words, "\n")] = '\0';
	if (*words)
		return err_set(err, -r, ERR_AT "mounts[%ld]: mount an overlay: %s", m->config_index,
			       words + (words[1] == ' ' ? 2 : 0));
	return failed(m, -r, "mount an overlay", err);
}

static int open_source(const struct start *start, const struct mount_entry *m)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	_cleanup_close_ int dir = -1;
	const char *name;
	int fd;

	if (start->plan->options->sandbox) {
		dir = step_mounts_source_dir(m, &name);
		if (dir < 0)
			return dir;
		fd = openat(dir, name, flags | O_NOFOLLOW);
	} else {
		fd = openat(AT_FDCWD, m->source, flags);
	}
	return fd < 0 ? -errno : fd;
}

int step_mounts_scratch(struct start *start, size_t i, struct err *err)
{
	const struct mount_entry *m = &start->plan->rootfs.mounts[i];
	_cleanup_close_ int source = open_source(start, m);
	_cleanup_close_ int target = -1, layer = -1, overlay = -1;
	int r;

	if (source < 0)
		return failed(m, -source, "open the directory", err);
	target = step_mounts_target(start, m, true, err);
	if (target < 0)
		return target;
	layer = make_layer(m, source, target);
	if (layer < 0)
		return failed(m, -layer, "make a layer in memory", err);
	overlay = make_overlay(m, source, layer, err);
	if (overlay < 0)
		return overlay;
	r = mountfd_attach(overlay, target);
	return r < 0 ? failed(m, -r, "attach the overlay", err) : 0;
}
