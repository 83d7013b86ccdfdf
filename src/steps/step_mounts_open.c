/* SPDX-License-Identifier: Apache-2.0 */
/* The trees of the rootfs and of the bind mounts, taken before anything is mounted: by usrun itself where the
 * plan says so, else by the child in its own mount namespace. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/oci/mount_options.h"
#include "src/sys/mountfd.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

static int rootfs_failed(const char *path, int error, struct err *err)
{
	(void)err_errno(err, error, ERR_AT "root.path: open the rootfs %s", path);
	if (error == ENOENT)
		err_hint(err,
			 "put a root file system there, or name another in root.path (a path that "
			 "is not absolute begins at the bundle)");
	if (error == EACCES)
		err_hint(err,
			 "every directory above it must let the caller pass (x for others, or the "
			 "caller's own): namei -l %s",
			 path);
	return -error;
}

static int open_rootfs(struct start *start, struct err *err)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;
	bool slave = (rootfs->propagation & ~(unsigned long)MS_REC) == MS_SLAVE;
	struct stat st;
	int r;

	if (!(start->plan->flags & PLAN_MNTNS_NEW)) {
		start->rootfs = openat(AT_FDCWD, rootfs->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		return start->rootfs < 0 ? rootfs_failed(rootfs->path, errno, err) : 0;
	}
	start->rootfs = mountfd_clone(AT_FDCWD, rootfs->path, true, true);
	if (start->rootfs < 0)
		return rootfs_failed(rootfs->path, -start->rootfs, err);
	if (fstat(start->rootfs, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, ERR_AT "root.path: the rootfs %s is not a directory",
			       rootfs->path);
	/* A copy of a shared mount is its peer: what we mount on it would appear on the host. */
	r = mountfd_set_attr(start->rootfs, 0, 0, slave ? MS_SLAVE : MS_PRIVATE, true);
	return r < 0 ? err_errno(err, -r, "detach the rootfs %s from the host's mounts",
				 rootfs->path)
		     : 0;
}

static int source_failed(const struct mount_entry *m, int error, struct err *err)
{
	if (error == EINVAL && !m->recursive) {
		(void)err_errno(err, EINVAL, ERR_AT "mounts[%ld]: bind %s", m->config_index,
				m->source);
		return err_hint(err,
				"in a user namespace a tree with mounts below it can only be taken "
				"whole: use rbind");
	}
	(void)err_errno(err, error, ERR_AT "mounts[%ld].source: open %s", m->config_index,
			m->source);
	if (error == EACCES)
		err_hint(err, "a directory of this path does not let the caller pass: namei -l %s",
			 m->source);
	return -error;
}

/* Only now: the kernel maps ids of detached mounts alone. */
int step_mounts_map_ids(struct start *start, const struct mount_entry *m, int mount,
			struct err *err)
{
	int r = mountfd_set_idmap(mount, start->idmaps[m->idmap - 1],
				  m->extensions & (unsigned int)MOUNT_EXT_RIDMAP);

	if (r == 0)
		return 0;
	(void)err_errno(err, -r, ERR_AT "mounts[%ld]: map the ids of %s", m->config_index,
			m->source);
	if (r == -EINVAL)
		err_hint(err,
			 "the file system there (with ridmap: one of those below) does not take "
			 "mapped ids on this kernel; ext4, xfs, btrfs and tmpfs do");
	if (r == -EPERM)
		err_hint(err,
			 "the file system there belongs to another user namespace, or the mount "
			 "has mapped ids already");
	return r;
}

static int open_source(struct start *start, size_t i, struct err *err)
{
	const struct mount_entry *m = &start->plan->rootfs.mounts[i];
	unsigned int as_it_is = MOUNT_EXT_SRC_NOFOLLOW | MOUNT_EXT_COPY_SYMLINK;

	start->mounts[i] =
		mountfd_clone(AT_FDCWD, m->source, m->recursive, !(m->extensions & as_it_is));
	if (start->mounts[i] < 0)
		return source_failed(m, -start->mounts[i], err);
	return m->idmap ? step_mounts_map_ids(start, m, start->mounts[i], err) : 0;
}

static int open_idmaps(struct start *start, struct err *err)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;

	for (size_t i = 0; i < rootfs->n_idmaps; i++) {
		if (rootfs->idmaps[i].joined)
			start->idmaps[i] = fcntl(start->ns_fds[PLAN_NS_USER], F_DUPFD_CLOEXEC, 3);
		else
			start->idmaps[i] = idmap_write_fd(&rootfs->idmaps[i].write, err);
		if (start->idmaps[i] < 0)
			return rootfs->idmaps[i].joined
				       ? err_errno(err, errno, "keep the joined user namespace")
				       : err_prefix(err, "mapping of the ids of a mount");
	}
	return 0;
}

int step_mounts_open(struct start *start, struct err *err)
{
	int r = open_idmaps(start, err);

	if (r == 0)
		r = open_rootfs(start, err);
	for (size_t i = 0; r == 0 && i < start->plan->rootfs.n_mounts; i++)
		if (start->plan->rootfs.mounts[i].kind == MOUNT_BIND &&
		    !start->plan->rootfs.mounts[i].inside)
			r = open_source(start, i, err);
	return r;
}

int step_mounts_open_early(struct start *start, struct err *err)
{
	return step_mounts_open(start, err);
}
