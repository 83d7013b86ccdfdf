/* SPDX-License-Identifier: Apache-2.0 */
/* linux.maskedPaths and linux.readonlyPaths. Done before the pivot, so that masks come from the host's
 * /dev/null, checked by its number, and not from the image's (CVE-2025-31133). */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/sys/mountfd.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int open_null(struct err *err)
{
	_cleanup_close_ int fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "open the host's /dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_set(err, EINVAL, "the host's /dev/null is not the null device (1:3)");
	return fd_take(&fd);
}

static int empty_directory(void)
{
	_cleanup_close_ int fs = mountfd_fs_open("tmpfs");
	int r = fs < 0 ? fs : mountfd_fs_set(fs, "nr_inodes", "1");

	if (r == 0)
		r = mountfd_fs_set(fs, "mode", "555");
	if (r == 0)
		r = mountfd_fs_create(fs);
	if (r < 0)
		return r;
	return mountfd_fs_mount(fs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					    MOUNT_ATTR_NOEXEC);
}

/* One empty directory serves all: the later masks are copies of the first, taken where it lies. */
static int mask_with(int target, bool dir, int null, int *shared)
{
	_cleanup_close_ int mount = -1;
	bool first = dir && *shared < 0;
	int r;

	if (first)
		mount = empty_directory();
	else
		mount = mountfd_clone(dir ? *shared : null, "", false, false);
	if (mount < 0)
		return mount;
	/* Propagation is set where it lies: a copy of the host's /dev/null would stay its peer. */
	r = mountfd_set_attr(mount, 0, 0, MS_PRIVATE, false);
	if (r == 0)
		r = mountfd_attach(mount, target);
	if (r == 0 && first)
		*shared = fd_take(&mount);
	return r;
}

static int mask(struct run *run, const char *path, int null, int *shared, struct err *err)
{
	_cleanup_close_ int target = resolve_open(run->rootfs, path, O_PATH);
	struct stat st;
	int r;

	if (target == -ENOENT || target == -ENOTDIR || target == -EACCES)
		return 0;
	if (target < 0)
		return err_errno(err, -target, "config.json: linux.maskedPaths: open %s", path);
	if (fstat(target, &st) < 0)
		return err_errno(err, errno, "config.json: linux.maskedPaths: look at %s", path);
	r = mask_with(target, S_ISDIR(st.st_mode), null, shared);
	return r < 0 ? err_errno(err, -r, "config.json: linux.maskedPaths: mask %s", path) : 0;
}

static int make_readonly(struct run *run, const char *path, struct err *err)
{
	_cleanup_close_ int target = resolve_open(run->rootfs, path, O_PATH), mount = -1;
	int r;

	if (target == -ENOENT || target == -ENOTDIR || target == -EACCES)
		return 0;
	if (target < 0)
		return err_errno(err, -target, "config.json: linux.readonlyPaths: open %s", path);
	mount = mountfd_clone(target, "", true, false);
	r = mount < 0 ? mount : mountfd_set_attr(mount, MOUNT_ATTR_RDONLY, 0, MS_PRIVATE, true);
	if (r == 0)
		r = mountfd_attach(mount, target);
	return r < 0 ? err_errno(err, -r, "config.json: linux.readonlyPaths: make %s read-only",
				 path)
		     : 0;
}

int step_paths_mask(struct run *run, struct err *err)
{
	const struct rootfs_plan *rootfs = &run->plan->rootfs;
	_cleanup_close_ int null = -1, shared = -1;
	int r = 0;

	if (rootfs->n_masked) {
		null = open_null(err);
		if (null < 0)
			return null;
	}
	for (size_t i = 0; r == 0 && i < rootfs->n_readonly_paths; i++)
		r = make_readonly(run, rootfs->readonly_paths[i], err);
	for (size_t i = 0; r == 0 && i < rootfs->n_masked; i++)
		r = mask(run, rootfs->masked[i], null, &shared, err);
	return r;
}
