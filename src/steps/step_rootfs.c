/* SPDX-License-Identifier: Apache-2.0 */
/* The rootfs: its tree is taken, filled by step_mounts.c, and made the root. */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/oci/mount_options.h"
#include "src/sys/mountfd.h"
#include "src/sys/pivot.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_rootfs(struct run *run, struct err *err)
{
	const char *path = run->plan->rootfs.path;
	struct stat st;

	if (run->plan->flags & PLAN_MNTNS_NEW)
		run->rootfs = mountfd_clone(AT_FDCWD, path, true, true);
	else
		run->rootfs = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (run->rootfs < 0 || fstat(run->rootfs, &st) < 0) {
		int error = run->rootfs < 0 && (run->plan->flags & PLAN_MNTNS_NEW) ? -run->rootfs
										   : errno;

		(void)err_errno(err, error, "config.json: root.path: open the rootfs %s", path);
		if (error == EACCES)
			err_hint(err,
				 "every directory above it must let the caller pass (x for others, "
				 "or "
				 "the caller's own): namei -l %s",
				 path);
		return -error;
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR,
			       "config.json: root.path: the rootfs %s is not a directory", path);
	if (!(run->plan->flags & PLAN_MNTNS_NEW))
		return 0;
	/* A copy of a shared mount is its peer: what we mount on it would appear on the host. */
	return mountfd_set_attr(run->rootfs, 0, 0, MS_PRIVATE, true) < 0
		       ? err_errno(err, errno, "make the rootfs %s private", path)
		       : 0;
}

static int open_source(struct run *run, const struct mount_entry *m, struct err *err)
{
	bool follow = !(m->extensions & (unsigned int)MOUNT_EXT_SRC_NOFOLLOW);
	int fd = mountfd_clone(AT_FDCWD, m->source, m->recursive, follow);

	if (fd == -EINVAL && !m->recursive) {
		(void)err_errno(err, EINVAL, "config.json: mounts[%ld]: bind %s", m->config_index,
				m->source);
		err_hint(err, "in a user namespace a tree with mounts below it can only be taken "
			      "whole: use "
			      "rbind");
		return -EINVAL;
	}
	if (fd < 0) {
		(void)err_errno(err, -fd, "config.json: mounts[%ld].source: open %s",
				m->config_index, m->source);
		if (fd == -EACCES)
			err_hint(err,
				 "a directory of this path does not let the caller pass: namei -l "
				 "%s",
				 m->source);
	}
	(void)run;
	return fd;
}

int step_mounts_open(struct run *run, struct err *err)
{
	int r = open_rootfs(run, err);

	for (size_t i = 0; r >= 0 && i < run->plan->rootfs.n_mounts; i++) {
		const struct mount_entry *m = &run->plan->rootfs.mounts[i];

		if (m->kind != MOUNT_BIND)
			continue;
		r = run->mounts[i] = open_source(run, m, err);
	}
	return r < 0 ? r : 0;
}

int step_mounts_open_early(struct run *run, struct err *err)
{
	return step_mounts_open(run, err);
}

static int enter(struct run *run, struct err *err)
{
	if (fchdir(run->rootfs) < 0)
		return err_errno(err, errno, "enter the rootfs %s", run->plan->rootfs.path);
	return 0;
}

static int change_root(struct run *run, struct err *err)
{
	int r;

	if (!(run->plan->flags & PLAN_MNTNS_NEW))
		return chroot(".") < 0 ? err_errno(err, errno, "chroot") : 0;
	if (run->plan->rootfs.no_pivot) {
		if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
			return err_errno(err, errno, "move the rootfs to / (--no-pivot)");
		return chroot(".") < 0 ? err_errno(err, errno, "chroot") : 0;
	}
	r = pivot_to_cwd();
	if (r < 0) {
		(void)err_errno(err, -r, "pivot_root to %s", run->plan->rootfs.path);
		if (r == -EINVAL)
			err_hint(err, "if / is an initial ramdisk, try --no-pivot");
		return r;
	}
	/* The old root lies on top of the new one now: a whole tree goes with one call. */
	if (umount2(".", MNT_DETACH) < 0)
		return err_errno(err, errno, "detach the old root");
	return 0;
}

int step_pivot_root(struct run *run, struct err *err)
{
	int r = enter(run, err);

	if (r == 0)
		r = change_root(run, err);
	if (r < 0)
		return r;
	if (chdir("/") < 0)
		return err_errno(err, errno, "enter the new root");
	return 0;
}

/* What was kept writable for the sake of mount points inside it. */
static int finish_mounts(struct run *run, struct err *err)
{
	for (size_t i = 0; i < run->plan->rootfs.n_mounts; i++) {
		const struct mount_entry *m = &run->plan->rootfs.mounts[i];
		int r = 0;

		if (m->readonly_late && run->mounts[i] >= 0)
			r = mountfd_set_attr(run->mounts[i], MOUNT_ATTR_RDONLY, 0, 0, false);
		if (r < 0)
			return err_errno(err, -r, "config.json: mounts[%ld]: make %s read-only",
					 m->config_index, m->target);
		fd_closep(&run->mounts[i]);
	}
	return 0;
}

/* A missing working directory is made, as every runtime does; never through a link out of the root. */
static void make_cwd(struct run *run)
{
	_cleanup_close_ int fd = -1;
	struct err ignored;

	if (!run->plan->process.args || str_equal(run->plan->process.cwd, "/"))
		return;
	fd = resolve_mkdir(run->rootfs, run->plan->process.cwd, &ignored);
	if (fd < 0) /* step_cwd() says it where it matters */
		log_debug("%s", ignored.text);
}

int step_rootfs_finish(struct run *run, struct err *err)
{
	unsigned long propagation = run->plan->rootfs.propagation;
	int r = finish_mounts(run, err);

	if (r < 0)
		return r;
	make_cwd(run);
	if (propagation) {
		r = mountfd_set_attr(run->rootfs, 0, 0, propagation & ~(unsigned long)MS_REC,
				     propagation & MS_REC);
		if (r < 0)
			return err_errno(err, -r, "config.json: linux.rootfsPropagation");
	}
	if (run->plan->rootfs.readonly) {
		r = mountfd_set_attr(run->rootfs, MOUNT_ATTR_RDONLY, 0, 0, false);
		if (r < 0)
			return err_errno(err, -r, "config.json: root.readonly");
	}
	fd_closep(&run->rootfs);
	return 0;
}
