/* SPDX-License-Identifier: Apache-2.0 */
/* The place of a mount: resolved inside the rootfs, checked, and then used by descriptor. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/oci/mount_options.h"
#include "src/sys/later.h"
#include "src/sys/mountfd.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* procfs and sysfs are mounted only on a real directory: otherwise a symbolic link in the image
 * would choose what represents the kernel (CVE-2019-19921, CVE-2023-27561). */
static int kernel_target(struct start *start, const struct mount_entry *m, struct err *err)
{
	int fd = resolve_beneath(start->rootfs, m->target + 1, O_PATH | O_DIRECTORY);

	if (fd == -ENOENT) {
		fd = resolve_make(start->rootfs, m->target, true, err);
		if (fd < 0)
			return err_prefix(err, ERR_AT "mounts[%ld].destination", m->config_index);
		fd_closep(&fd); /* a link may have appeared just now */
		fd = resolve_beneath(start->rootfs, m->target + 1, O_PATH | O_DIRECTORY);
	}
	if (fd == -EACCES) {
		(void)err_errno(err, EACCES, ERR_AT "mounts[%ld]: open %s in the rootfs",
				m->config_index, m->target);
		return err_hint(
			err, "the rootfs must belong to the caller, or be accessible to its ids");
	}
	if (fd < 0)
		return err_set(err, -fd,
			       ERR_AT "mounts[%ld]: filesystem \"%s\" must be mounted on "
				      "ordinary directory, which %s in the rootfs is not",
			       m->config_index, m->fs, m->target);
	return fd;
}

/* A link led there, so what the planner checked by name must hold for the place, too. A mount on
 * the kernel's own file systems would impersonate the kernel (CVE-2025-52881). */
static int check_place(const struct mount_entry *m, int target, struct err *err)
{
	bool own_link = m->extensions & MOUNT_EXT_DEST_NOFOLLOW;
	struct statfs fs;

	if (path_is_below(m->target, "/proc") && !own_link) /* /proc/net/dev: /proc/net is a link */
		return 0;
	if (fstatfs(target, &fs) < 0)
		return err_errno(err, errno, ERR_AT "mounts[%ld]: stat %s", m->config_index,
				 m->target);
	if (fs.f_type != PROC_SUPER_MAGIC &&
	    !(own_link && (fs.f_type == SYSFS_MAGIC || fs.f_type == DEVPTS_SUPER_MAGIC)))
		return 0;
	return err_set(err, EINVAL,
		       ERR_AT "mounts[%ld]: \"%s\" cannot be mounted because it is inside /proc: a "
			      "symbolic link leads into a kernel file system",
		       m->config_index, m->target);
}

int step_mounts_target(struct start *start, const struct mount_entry *m, bool want_dir,
		       struct err *err)
{
	bool follow = !(m->extensions & MOUNT_EXT_DEST_NOFOLLOW);
	int fd, r;

	if (str_equal(m->target, "/"))
		return fcntl(start->rootfs, F_DUPFD_CLOEXEC, 0);
	if (m->kind == MOUNT_PROC || m->kind == MOUNT_SYSFS)
		return kernel_target(start, m, err);
	fd = resolve_beneath(start->rootfs, m->target + 1, O_PATH);
	if (fd >= 0)
		return fd;
	if (fd == -ENOENT)
		fd = resolve_make(start->rootfs, m->target, want_dir, err);
	else
		fd = resolve_mount_point(start->rootfs, m->target, want_dir, follow, err);
	if (fd < 0)
		return err_prefix(err, ERR_AT "mounts[%ld].destination", m->config_index);
	r = check_place(m, fd, err);
	if (r < 0)
		fd_closep(&fd);
	return r < 0 ? r : fd;
}

static int attach_failed(const struct mount_entry *m, int mount, int target, int r, struct err *err)
{
	struct stat what, where;
	bool differ = fstat(mount, &what) == 0 && fstat(target, &where) == 0 &&
		      S_ISDIR(what.st_mode) != S_ISDIR(where.st_mode);

	if (r == -EINVAL && differ)
		r = -ENOTDIR;
	(void)err_errno(err, -r, ERR_AT "mounts[%ld]: mount %s on %s", m->config_index,
			m->source ? m->source : m->fs, m->target);
	if (differ)
		err_hint(err, "only a directory can be mounted on a directory, and only a file on "
			      "a file");
	return r;
}

/* Other types may also be mounted elsewhere: a disk, devtmpfs. */
bool step_mounts_is_new(const struct mount_entry *m)
{
	return m->kind == MOUNT_FS && (str_equal(m->fs, "tmpfs") || str_equal(m->fs, "ramfs"));
}

bool step_mounts_is_own(const struct start *start, int fd)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;

	for (size_t i = 0; i < rootfs->n_mounts; i++)
		if (start->mounts[i] >= 0 && step_mounts_is_new(&rootfs->mounts[i]) &&
		    mountfd_is_same(fd, start->mounts[i]))
			return true;
	return mountfd_is_same(fd, start->rootfs);
}

int step_mounts_own_at(const struct start *start, const char *path, size_t len)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;

	for (size_t i = rootfs->n_mounts; i-- > 0;) {
		const char *target = rootfs->mounts[i].target;
		size_t n = strlen(target);

		if (n == len && strncmp(target, path, len) == 0)
			return step_mounts_is_new(&rootfs->mounts[i]) ? start->mounts[i] : -1;
		/* Another mount covers it, or will. */
		if (n == 1 || (n < len && path[n] == '/' && strncmp(target, path, n) == 0))
			return -1;
	}
	return -1;
}

/* Moves the mount to a single name in the rootfs, or in a file system created for the container. No
 * link can divert that: the kernel follows none in the last component, and mounts no directory on
 * one. Less than 0: use the whole path. */
static int attach_by_name(struct start *start, const struct mount_entry *m, int mount,
			  bool *ret_there)
{
	const char *name = path_base(m->target);
	size_t len = (size_t)(name - m->target);
	int dir = start->rootfs;

	if (!*name)
		return -ENOENT;
	if (len > 1) {
		dir = step_mounts_own_at(start, m->target, len - 1);
		if (dir < 0 || mkdirat(dir, name, 0755) < 0)
			return -ENOENT;
	}
	return mountfd_attach_at(mount, dir, name, ret_there);
}

static int attach_by_path(struct start *start, const struct mount_entry *m, int mount, bool dir,
			  struct err *err)
{
	_cleanup_later_ int target = step_mounts_target(start, m, dir, err);
	int r;

	if (target < 0)
		return target;
	r = mountfd_attach(mount, target);
	return r < 0 ? attach_failed(m, mount, target, r, err) : 0;
}

/* A copy is a peer of the host's mount, and so is each mount below it, which the config's words
 * reach only if they are recursive. They stay peers where it says shared, but not in a user
 * namespace: mounts made by its root must not appear on the host. The kernel ensures that for
 * mounts older than the namespace, but usrun may have opened ours. */
int step_mounts_leave(struct start *start, const struct mount_entry *m, int mount, struct err *err)
{
	bool userns = start->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN);
	unsigned long words = m->leaves | m->propagation;
	unsigned long kind = !words || (words & (MS_PRIVATE | MS_UNBINDABLE)) ? MS_PRIVATE
			     : userns || (words & MS_SLAVE)                   ? MS_SLAVE
									      : 0;
	int r = kind ? mountfd_set_attr(mount, 0, 0, kind, m->recursive) : 0;

	return r < 0 ? err_errno(err, -r, ERR_AT "mounts[%ld]: detach %s from the host's mounts",
				 m->config_index, m->source)
		     : 0;
}

int step_mounts_propagate(const struct mount_entry *m, int mount)
{
	const unsigned long words[] = { m->leaves, m->propagation };
	int r = 0;

	for (size_t i = 0; r == 0 && i < 2; i++)
		r = mountfd_set_attr(mount, 0, 0, words[i] & ~(unsigned long)MS_REC,
				     words[i] & MS_REC);
	return r;
}

int step_mounts_attach(struct start *start, const struct mount_entry *m, int mount, struct err *err)
{
	bool dir, there = false;
	struct stat st = { 0 };
	int r;

	/* The root of a new file system is a directory. */
	if (m->kind == MOUNT_BIND && fstat(mount, &st) < 0)
		return err_errno(err, errno, "stat the mount for %s", m->target);
	dir = m->kind != MOUNT_BIND || S_ISDIR(st.st_mode);
	r = dir ? attach_by_name(start, m, mount, &there) : -ENOTDIR;
	if (r < 0)
		r = there ? attach_failed(m, mount, mount, r, err)
			  : attach_by_path(start, m, mount, dir, err);
	if (r < 0)
		return r;
	if (str_equal(m->target, "/")) /* it is the rootfs from now on */
		r = dup3(mount, start->rootfs, O_CLOEXEC) < 0 ? -errno : 0;
	if (r < 0)
		return err_errno(err, -r, "enter the mount on /");
	r = step_mounts_propagate(m, mount);
	if (r < 0)
		return err_errno(err, -r, ERR_AT "mounts[%ld]: propagation of %s", m->config_index,
				 m->target);
	return 0;
}
