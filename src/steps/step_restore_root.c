/* SPDX-License-Identifier: Apache-2.0 */
/* CRIU's environment during a restore: the container's cgroup, and a mount namespace in which the
 * rootfs is a mount point with all mount points of the config. Runs in CRIU's process before the
 * exec. */
#include "src/steps/restore.h"

#include "src/base/fd.h"
#include "src/base/path.h"
#include "src/steps/step_mounts.h"
#include "src/sys/mountfd.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* No mount points are created on a file system that CRIU restores. */
static bool in_new_fs(const struct rootfs_plan *rootfs, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		const struct mount_entry *m = &rootfs->mounts[k];

		if (m->kind != MOUNT_BIND && m->kind != MOUNT_REMOUNT &&
		    path_is_below(rootfs->mounts[i].target, m->target))
			return true;
	}
	return false;
}

static int make_point(struct start *start, const struct mount_entry *m, struct err *err)
{
	_cleanup_close_ int target = -1;
	struct stat st = { .st_mode = S_IFDIR };

	if (m->kind == MOUNT_BIND && stat(m->source, &st) < 0)
		return err_errno(err, errno, ERR_AT "mounts[%ld].source: %s", m->config_index,
				 m->source);
	target = step_mounts_target(start, m, S_ISDIR(st.st_mode), err);
	if (target < 0)
		return target;
	/* Other mount points may be in it. */
	if (m->kind == MOUNT_BIND &&
	    mount(m->source, fd_path(target).text, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_errno(err, errno, ERR_AT "mounts[%ld]: bind %s on %s", m->config_index,
				 m->source, m->target);
	return 0;
}

/* On another host, or with another rootfs, they may be missing. This mount namespace is private. */
static int make_points(struct start *start, struct err *err)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;
	_cleanup_close_ int back = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int r = 0;

	if (back < 0 || unshare(CLONE_NEWNS) < 0)
		return err_errno(err, errno, "create a mount namespace");
	start->rootfs = openat(AT_FDCWD, rootfs->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (start->rootfs < 0)
		return err_errno(err, errno, ERR_AT "root.path: open %s", rootfs->path);
	for (size_t i = 0; r == 0 && i < rootfs->n_mounts; i++)
		if (rootfs->mounts[i].kind != MOUNT_REMOUNT && !rootfs->mounts[i].inside &&
		    !in_new_fs(rootfs, i))
			r = make_point(start, &rootfs->mounts[i], err);
	fd_closep(&start->rootfs);
	if (r == 0 && setns(back, CLONE_NEWNS) < 0)
		r = err_errno(err, errno, "leave a mount namespace");
	return r;
}

static int make_root(struct start *start, struct err *err)
{
	const char *path = start->plan->rootfs.path;

	/* Mounts that the host removes are removed here too. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_errno(err, errno, "make the mounts of criu its own");
	if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    mount(NULL, path, NULL, MS_PRIVATE, NULL) < 0)
		return err_errno(err, errno, ERR_AT "root.path: bind %s", path);
	return make_points(start, err);
}

/* The clone has placed it in the v2 cgroup, systemd in its unit. What it creates gets the cgroup
 * namespace that it has then, rooted at its own cgroup. With --manage-cgroups-mode the namespace is
 * part of that, and CRIU creates it. */
static int enter_groups(struct start *start, struct err *err)
{
	uint32_t flags = start->plan->flags;
	int r = 0;

	if ((flags & PLAN_CGROUP) && !(flags & PLAN_CGROUP_UNIT))
		r = driver_clone_fd(&start->cgroup) >= 0
			    ? driver_join_self(&start->cgroup, err)
			    : driver_join_self_slowly(&start->cgroup, err);
	if (r < 0 || !(flags & PLAN_CGROUPNS) || start->restore->opts.manage_cgroups)
		return r;
	return unshare(CLONE_NEWCGROUP) < 0 ? err_errno(err, errno, "create a cgroup namespace")
					    : 0;
}

/* This process may not mount on a directory opened in the caller's mount namespace. A path given by
 * the user may have started at a directory that is not ours any more. */
static int open_again(int fd, const char *what, struct err *err)
{
	char path[PATH_MAX];
	ssize_t n = readlink(fd_path(fd).text, path, sizeof(path) - 1);
	_cleanup_close_ int here = -1;
	struct stat was, is;

	path[n > 0 ? n : 0] = '\0';
	here = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (here < 0 || fstat(fd, &was) < 0 || fstat(here, &is) < 0)
		return err_errno(err, errno, "%s: open the directory again", what);
	if (was.st_dev != is.st_dev || was.st_ino != is.st_ino)
		return err_set(err, ESTALE, "%s: the directory has been replaced", what);
	return dup3(here, fd, O_CLOEXEC) < 0
		       ? err_errno(err, errno, "%s: open the directory again", what)
		       : 0;
}

/* Covers the images' directory with an overlay of an empty directory that everybody may search. */
static int cover(int images)
{
	_cleanup_close_ int top = mountfd_fs_empty(NULL, NULL), fs = mountfd_fs_open("overlay"),
			    all = -1;
	char layers[2 * sizeof(struct fd_path)];
	int r = top < 0 ? top : fs < 0 ? fs : mountfd_attach(top, images);

	(void)snprintf(layers, sizeof(layers), "%s:%s", fd_path(top).text, fd_path(images).text);
	if (r == 0)
		r = mountfd_fs_set(fs, "lowerdir", layers);
	if (r == 0)
		r = mountfd_fs_create(fs);
	if (r < 0)
		return r;
	all = r = mountfd_fs_mount(fs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					       MOUNT_ATTR_NOEXEC);
	if (r >= 0)
		r = mountfd_attach(all, top);
	return r < 0 ? r : dup3(all, images, O_CLOEXEC) < 0 ? -errno : 0;
}

/* The images are read by processes already in the new user namespace, some before they have an id
 * there, but their directory is accessible only to root. */
static int show_images(struct start *start, struct err *err)
{
	int images = start->restore->images, r;
	struct stat st;

	if (!(start->plan->flags & PLAN_USERNS_NEW) ||
	    (fstat(images, &st) == 0 && (st.st_mode & S_IXOTH)))
		return 0;
	if (start->restore->opts.auto_dedup)
		return err_set(err, EOPNOTSUPP,
			       "--auto-dedup: the files of a container with a user namespace "
			       "are only read");
	r = open_again(images, "--image-path", err);
	if (r < 0)
		return r;
	r = cover(images);
	if (r == 0)
		return 0;
	(void)err_errno(err, -r, "--image-path: mount an overlay for the user namespace");
	return err_hint(err, "without overlays, let others search the directory (chmod o+x)");
}

int step_restore_prepare(void *data, struct err *err)
{
	struct start *start = data;
	int r = enter_groups(start, err);

	if (r == 0)
		r = make_root(start, err);
	if (r == 0)
		r = open_again(start->restore->work, "--work-path", err); /* CRIU mounts there */
	if (r == 0)
		r = show_images(start, err);
	return r;
}
