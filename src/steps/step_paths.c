/* SPDX-License-Identifier: Apache-2.0 */
/* linux.maskedPaths and linux.readonlyPaths. Applied before the pivot, so that masks are made from
 * the host's /dev/null, checked by device number, and not from the image's (CVE-2025-31133). */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/sys/later.h"
#include "src/sys/mountfd.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int open_null(struct err *err)
{
	_cleanup_later_ int fd = openat(AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "open the host's /dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_set(err, EINVAL, "the host's /dev/null is not the null device (1:3)");
	return fd_take(&fd);
}

struct masks { /* the first attached mask of each kind; the others are copies */
	int null, dir;
	bool null_lies; /* null is attached */
};

/* A copy of an attached mask inherits its settings; a copy of the host's /dev/null would stay its
 * peer. The inode is the host's: it is mounted read-only, or the container's root could change its
 * mode for everybody. */
static int copy_null(struct masks *masks)
{
	int mount = mountfd_clone(masks->null, "", false, false), r;

	if (mount < 0 || masks->null_lies)
		return mount;
	r = mountfd_set_attr(mount, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0,
			     MS_PRIVATE, false);
	if (r == 0)
		return mount;
	later_closep(&mount);
	return r;
}

static int mask_with(int target, bool dir, const struct mount_super *label, struct masks *masks)
{
	_cleanup_later_ int mount = -1;
	int r;

	if (!dir)
		mount = copy_null(masks);
	else
		mount = masks->dir < 0 ? mountfd_fs_empty(label->key, label->value)
				       : mountfd_clone(masks->dir, "", false, false);
	if (mount < 0)
		return mount;
	r = mountfd_attach(mount, target);
	if (r < 0)
		return r;
	if (dir && masks->dir < 0)
		masks->dir = fd_take(&mount);
	if (!dir && !masks->null_lies) {
		later_closep(&masks->null);
		masks->null = fd_take(&mount);
		masks->null_lies = true;
	}
	return 0;
}

static int mask(struct start *start, const char *path, struct masks *masks, struct err *err)
{
	_cleanup_later_ int target = resolve_open(start->rootfs, path, O_PATH);
	struct stat st;
	int r;

	if (target == -ENOENT || target == -ENOTDIR || target == -EACCES)
		return 0;
	if (target < 0)
		return err_errno(err, -target, ERR_AT "linux.maskedPaths: open %s", path);
	if (fstat(target, &st) < 0)
		return err_errno(err, errno, ERR_AT "linux.maskedPaths: stat %s", path);
	r = mask_with(target, S_ISDIR(st.st_mode), &start->plan->rootfs.mask_label, masks);
	return r < 0 ? err_errno(err, -r, ERR_AT "linux.maskedPaths: mask %s", path) : 0;
}

static int make_readonly(struct start *start, const char *path, struct err *err)
{
	_cleanup_later_ int target = resolve_open(start->rootfs, path, O_PATH), mount = -1;
	int r;

	if (target == -ENOENT || target == -ENOTDIR || target == -EACCES)
		return 0;
	if (target < 0)
		return err_errno(err, -target, ERR_AT "linux.readonlyPaths: open %s", path);
	mount = mountfd_clone(target, "", true, false);
	r = mount < 0 ? mount : mountfd_set_attr(mount, MOUNT_ATTR_RDONLY, 0, MS_PRIVATE, true);
	if (r == 0)
		r = mountfd_attach(mount, target);
	return r < 0 ? err_errno(err, -r, ERR_AT "linux.readonlyPaths: make %s read-only", path)
		     : 0;
}

int step_paths_mask(struct start *start, struct err *err)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;
	struct masks masks = { .null = -1, .dir = -1 };
	int r = 0;

	if (rootfs->n_masked) {
		masks.null = open_null(err);
		if (masks.null < 0)
			return masks.null;
	}
	for (size_t i = 0; r == 0 && i < rootfs->n_readonly_paths; i++)
		r = make_readonly(start, rootfs->readonly_paths[i], err);
	for (size_t i = 0; r == 0 && i < rootfs->n_masked; i++)
		r = mask(start, rootfs->masked[i], &masks, err);
	later_closep(&masks.null);
	later_closep(&masks.dir);
	return r;
}
