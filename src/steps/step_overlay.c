/* SPDX-License-Identifier: Apache-2.0 */
/* A rootfs whose changes are thrown away: an overlay on top of its tree, with an upper layer in a
 * tmpfs that ends with the mount namespace, whoever is killed. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/sys/mountfd.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* As the kernel names its own; half of the memory, what a tmpfs has without it, fits twice only. */
#define LAYER_SIZE "25%"

static int failed(struct start *start, int fs, int r, struct err *err)
{
	char words[256] = "";

	if (fs >= 0)
		mountfd_fs_message(fs, words, sizeof(words));
	if (*words)
		(void)err_set(err, -r, "--overlay: put an overlay over the rootfs %s: %s",
			      start->plan->rootfs.path, words);
	else
		(void)err_errno(err, -r, "--overlay: put an overlay over the rootfs %s",
				start->plan->rootfs.path);
	if (r == -EINVAL)
		err_hint(err, "what has mounts below it, or is two overlays deep already, takes "
			      "none: copy the rootfs to a directory of its own");
	return r;
}

static int make_tmpfs(void)
{
	_cleanup_close_ int fs = mountfd_fs_open("tmpfs");
	int r = fs < 0 ? fs : mountfd_fs_set(fs, "size", LAYER_SIZE);

	if (r == 0)
		r = mountfd_fs_set(fs, "mode", "0700");
	if (r == 0)
		r = mountfd_fs_create(fs);
	return r < 0 ? r : mountfd_fs_mount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

/* The top of an overlay is that of its upper layer. */
static int make_upper(struct start *start, int layer)
{
	struct stat st;

	if (fstat(start->rootfs, &st) < 0 || mkdirat(layer, "upper", 0700) < 0 ||
	    mkdirat(layer, "work", 0700) < 0 || fchmodat(layer, "upper", st.st_mode & 07777, 0) < 0)
		return -errno;
	/* An owner that is nobody here cannot be given. */
	if (fchownat(layer, "upper", st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != EINVAL && errno != EPERM)
		return -errno;
	return 0;
}

/* In a user namespace an overlay keeps its notes in attributes of users, without which it cannot
 * replace a directory. */
static int check_notes(int upper, struct err *err)
{
	if (setxattr(fd_path(upper).text, "user.usrun.try", "", 0, 0) == 0)
		return removexattr(fd_path(upper).text, "user.usrun.try") < 0 ? -errno : 0;
	(void)err_errno(err, errno, "--overlay: set an attribute on a tmpfs");
	return err_hint(err, "a tmpfs has attributes of users since Linux 6.6");
}

static int set_layers(int fs, int lower, int layer, bool in_userns)
{
	struct fd_path top = fd_path(layer);
	char path[64];
	int r = mountfd_fs_set(fs, "lowerdir", fd_path(lower).text);

	(void)snprintf(path, sizeof(path), "%s/upper", top.text);
	if (r == 0)
		r = mountfd_fs_set(fs, "upperdir", path);
	(void)snprintf(path, sizeof(path), "%s/work", top.text);
	if (r == 0)
		r = mountfd_fs_set(fs, "workdir", path);
	return r < 0 || !in_userns ? r : mountfd_fs_set(fs, "userxattr", NULL);
}

/* The layer lies on the tree that it covers, and the overlay on both: none is seen, and all go with
 * the namespace. */
int step_overlay_mount(struct start *start, struct err *err)
{
	bool in_userns = (start->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN)) ||
			 !start->plan->facts->caller.initial_userns;
	_cleanup_close_ int layer = make_tmpfs(), fs = -1, merged = -1, upper = -1;
	int r = layer < 0 ? layer : mountfd_attach(layer, start->rootfs);

	if (r == 0)
		r = make_upper(start, layer);
	if (r < 0)
		return err_errno(err, -r, "--overlay: make a layer in a tmpfs");
	upper = openat(layer, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = upper < 0 ? -errno : in_userns ? check_notes(upper, err) : 0;
	if (r < 0)
		return r;
	fs = mountfd_fs_open("overlay");
	r = fs < 0 ? fs : set_layers(fs, start->rootfs, layer, in_userns);
	if (r == 0)
		r = mountfd_fs_create(fs);
	if (r == 0)
		r = merged = mountfd_fs_mount(fs, 0);
	if (r >= 0)
		r = mountfd_attach(merged, layer);
	if (r >= 0 && dup3(merged, start->rootfs, O_CLOEXEC) < 0)
		r = -errno;
	return r < 0 ? failed(start, fs, r, err) : 0;
}
