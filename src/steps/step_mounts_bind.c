/* SPDX-License-Identifier: Apache-2.0 */
/* The trees of the rootfs and of the bind mounts, opened before anything is mounted: by usrun
 * itself where the plan says so, else by the child in its own mount namespace. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/oci/mount_options.h"
#include "src/sys/later.h"
#include "src/sys/mountfd.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static int rootfs_failed(const char *path, int error, struct err *err)
{
	(void)err_errno(err, error, ERR_AT "root.path: open the rootfs %s", path);
	if (error == ENOENT)
		err_hint(err, "unpack a root file system there, or set root.path (relative to the "
			      "bundle)");
	return -error;
}

/* FUSE admits only the user who mounted it, not even root. */
static void tell_of_fuse(int tree, struct err *err)
{
	struct statfs fs;

	if (err->code == EACCES && fstatfs(tree, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC)
		err_hint(err, "it is a FUSE mount that only its owner may access: mount it with "
			      "allow_root or allow_other, or run usrun as that user");
}

/* A copy of a shared mount is its peer: mounts on it would appear on the host. */
static int leave_host(struct start *start)
{
	unsigned long kind = start->plan->rootfs.propagation & ~(unsigned long)MS_REC;

	return mountfd_set_attr(start->rootfs, 0, 0, kind == MS_SLAVE ? MS_SLAVE : MS_PRIVATE,
				true);
}

static int open_rootfs(struct start *start, struct err *err)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;
	struct stat st;
	int r;

	if (!(start->plan->flags & PLAN_MNTNS_NEW)) {
		start->rootfs = openat(AT_FDCWD, rootfs->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (start->rootfs < 0)
			return rootfs_failed(rootfs->path, errno, err);
		if (!(start->plan->flags & PLAN_MOUNTS))
			return 0;
		start->rootfs_place = fd_take(&start->rootfs);
	}
	start->rootfs = start->rootfs_place < 0
				? mountfd_take(AT_FDCWD, rootfs->path, true, true)
				: mountfd_clone(start->rootfs_place, "", true, true);
	if (start->rootfs < 0)
		return rootfs_failed(rootfs->path, -start->rootfs, err);
	if (fstat(start->rootfs, &st) < 0) {
		r = rootfs_failed(rootfs->path, errno, err);
		tell_of_fuse(start->rootfs, err);
		return r;
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, ERR_AT "root.path: the rootfs %s is not a directory",
			       rootfs->path);
	r = mountfd_is_complete() ? leave_host(start) : 0;
	return r < 0 ? err_errno(err, -r, "detach the rootfs %s from the host's mounts",
				 rootfs->path)
		     : 0;
}

static int source_failed(const struct mount_entry *m, int error, struct err *err)
{
	if (error == EINVAL && !m->recursive) {
		(void)err_errno(err, EINVAL, ERR_AT "mounts[%ld]: bind %s", m->config_index,
				m->source);
		return err_hint(err, "in a user namespace, a tree with submounts can only be bound "
				     "as a whole: use rbind");
	}
	(void)err_errno(err, error, ERR_AT "mounts[%ld].source: open %s", m->config_index,
			m->source);
	return -error;
}

/* Not earlier: the kernel maps ids only of detached mounts. */
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
		err_hint(err, "this kernel has no ID-mapped mounts for the file system there (with "
			      "ridmap: for one below it); ext4 and xfs have them since Linux 5.12, "
			      "btrfs since 5.15, tmpfs since 6.3");
	if (r == -EPERM)
		err_hint(err, "the file system there belongs to another user namespace, or the "
			      "mount is already ID-mapped");
	return r;
}

/* For a sandbox's source. Sources were resolved without links, and another sandbox with write
 * access may have put a link there meanwhile. */
int step_mounts_source_dir(const struct mount_entry *m, const char **ret_name)
{
	_cleanup_close_ int root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *name = strrchr(m->source, '/');
	char dir[PATH_MAX];
	size_t len = name ? (size_t)(name - m->source) : 0;

	if (root < 0 || !name || len >= sizeof(dir))
		return root < 0 ? -errno : -ENAMETOOLONG;
	*ret_name = name[1] ? name + 1 : ".";
	if (len == 0)
		return fd_take(&root);
	memcpy(dir, m->source, len);
	dir[len] = '\0';
	return resolve_beneath(root, dir + 1, O_PATH | O_DIRECTORY);
}

/* A link that is only read: to close a mount that was never attached takes a grace period. */
static bool is_copied(const struct mount_entry *m, int source)
{
	struct stat st;

	return (m->extensions & MOUNT_EXT_COPY_SYMLINK) && fstat(source, &st) == 0 &&
	       S_ISLNK(st.st_mode);
}

static int clone_source(const struct start *start, const struct mount_entry *m)
{
	unsigned int as_it_is = MOUNT_EXT_SRC_NOFOLLOW | MOUNT_EXT_COPY_SYMLINK;
	bool sandbox = start->plan->options->sandbox;
	const char *name = m->source;
	_cleanup_close_ int dir = sandbox ? step_mounts_source_dir(m, &name) : AT_FDCWD;
	_cleanup_close_ int link = -1;

	if (sandbox && dir < 0)
		return dir;
	if ((m->extensions & MOUNT_EXT_COPY_SYMLINK) && !m->idmap)
		link = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return is_copied(m, link) ? fd_take(&link)
				  : mountfd_take(dir, name, m->recursive,
						 !sandbox && !(m->extensions & as_it_is));
}

static int open_source(struct start *start, size_t i, struct err *err)
{
	const struct mount_entry *m = &start->plan->rootfs.mounts[i];

	start->mounts[i] = clone_source(start, m);
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

int step_mounts_sources(struct start *start, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < start->plan->rootfs.n_mounts; i++)
		if (start->plan->rootfs.mounts[i].kind == MOUNT_BIND &&
		    !start->plan->rootfs.mounts[i].inside)
			r = open_source(start, i, err);
	return r;
}

int step_mounts_complete(struct start *start, struct err *err)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;
	int r = mountfd_complete(start->rootfs, true);

	if (r == 1)
		r = leave_host(start);
	if (r < 0)
		return rootfs_failed(rootfs->path, -r, err);
	for (size_t i = 0; i < rootfs->n_mounts && !mountfd_is_complete(); i++) {
		const struct mount_entry *m = &rootfs->mounts[i];

		if (m->kind != MOUNT_BIND || start->mounts[i] < 0 || is_copied(m, start->mounts[i]))
			continue;
		r = mountfd_complete(start->mounts[i], m->recursive);
		if (r < 0)
			return source_failed(m, -r, err);
	}
	return 0;
}

int step_mounts_open_early(struct start *start, struct err *err)
{
	int r = open_idmaps(start, err);

	if (r == 0)
		r = open_rootfs(start, err);
	return r < 0 ? r : step_mounts_sources(start, err);
}

int step_mounts_open(struct start *start, struct err *err)
{
	if (start->plan->flags & PLAN_MNTNS_NEW)
		mountfd_enter_own();
	return step_mounts_open_early(start, err);
}

/* Mounts of existing trees: bind mounts, changes of earlier mounts, the host's own proc and sys. */

/* The kernel locks these together. */
static const uint64_t ACCESS_TIMES = MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME;

struct change { /* attributes to change */
	uint64_t set, clear;
	bool recursive;
};

static int apply(int mount, const struct change *c)
{
	return mountfd_set_attr(mount, c->set, c->clear, 0, c->recursive);
}

/* In a user namespace the flags of mounts from a more privileged one are locked: restrictions may
 * be added but not removed, and the access time mode cannot change. Flags are changed one by one as
 * far as the kernel allows; the rest stays, with a note. */
static int apply_unlocked(struct start *start, const struct mount_entry *m, int mount,
			  const struct change *wanted)
{
	static const struct {
		uint64_t bits;
		const char *word;
	} parts[] = { { MOUNT_ATTR_RDONLY, "ro" },
		      { MOUNT_ATTR_NOSUID, "nosuid" },
		      { MOUNT_ATTR_NODEV, "nodev" },
		      { MOUNT_ATTR_NOEXEC, "noexec" },
		      { MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow" },
		      { ACCESS_TIMES, "access times" } };
	struct change added = { .set = wanted->set & ~ACCESS_TIMES,
				.recursive = wanted->recursive };
	_cleanup_str_ struct str kept = { 0 };
	int r = apply(mount, &added);

	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct change part = { .clear = wanted->clear & parts[i].bits,
				       .recursive = wanted->recursive };

		if (parts[i].bits == ACCESS_TIMES)
			part.set = wanted->set & ACCESS_TIMES;
		r = apply(mount, &part);
		if (r != -EPERM)
			continue;
		str_addf(&kept, "%s%s", kept.len ? ", " : "", parts[i].word);
		r = 0;
	}
	if (r == 0 && kept.len)
		start_note(start, "mounts[%ld] (%s): kept as on the host, where it is locked: %s",
			   m->config_index, m->target, str_text(&kept));
	return r;
}

static int set_attrs(struct start *start, const struct mount_entry *m, int mount, struct err *err)
{
	const struct change own = { .set = m->attr_set, .clear = m->attr_clear };
	const struct change all = { m->rattr_set, m->rattr_clear, .recursive = true };
	int r = apply(mount, &own);

	if (r == -EPERM)
		r = apply_unlocked(start, m, mount, &own);
	if (r == 0) {
		r = apply(mount, &all);
		if (r == -EPERM)
			r = apply_unlocked(start, m, mount, &all);
	}
	if (r == 0)
		return 0;
	(void)err_errno(err, -r, ERR_AT "mounts[%ld].options: set attributes of %s",
			m->config_index, m->target);
	if (r == -EINVAL && m->kind == MOUNT_REMOUNT)
		err_hint(err, "an earlier entry must have mounted something there");
	return r;
}

/* The link is made anew, and nothing is mounted. */
static int copy_link(struct start *start, const struct mount_entry *m, int link, struct err *err)
{
	char text[PATH_MAX], there[PATH_MAX];
	ssize_t n = readlinkat(link, "", text, sizeof(text) - 1);
	_cleanup_close_ int dir = -1;
	const char *name;

	if (n < 0)
		return err_errno(err, errno, ERR_AT "mounts[%ld]: read the link %s",
				 m->config_index, m->source);
	text[n] = '\0';
	dir = resolve_parent(start->rootfs, m->target, &name, err);
	if (dir < 0)
		return err_prefix(err, ERR_AT "mounts[%ld].destination", m->config_index);
	if (symlinkat(text, dir, name) == 0)
		return 0;
	if (errno != EEXIST)
		return err_errno(err, errno, ERR_AT "mounts[%ld]: create the link %s",
				 m->config_index, m->target);
	n = readlinkat(dir, name, there, sizeof(there) - 1);
	there[n < 0 ? 0 : n] = '\0';
	if (str_equal(text, there))
		return 0;
	return err_set(err, EEXIST,
		       ERR_AT "mounts[%ld]: copy-symlink: %s exists in the rootfs, and is not "
			      "a link to \"%s\"",
		       m->config_index, m->target, text);
}

/* A directory that only looks like /proc would be trusted by the container's programs and by
 * processes that enter it later (CVE-2019-16884). */
static int check_source(const struct mount_entry *m, int mount, struct err *err)
{
	struct statfs fs;
	struct stat st;

	if (!str_equal(m->target, "/proc"))
		return 0;
	if (fstatfs(mount, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC && fstat(mount, &st) == 0 &&
	    st.st_ino == 1)
		return 0;
	return err_set(err, EINVAL,
		       ERR_AT "mounts[%ld]: \"/proc\" cannot be mounted because it is not of "
			      "type proc: %s is not the root of one",
		       m->config_index, m->source);
}

/* Opens what an earlier entry has mounted in the rootfs. */
static int open_inside(struct start *start, const struct mount_entry *m, struct err *err)
{
	unsigned int as_it_is = MOUNT_EXT_SRC_NOFOLLOW | MOUNT_EXT_COPY_SYMLINK;
	int nofollow = m->extensions & as_it_is ? O_NOFOLLOW : 0;
	_cleanup_later_ int source = resolve_open(start->rootfs, m->inside, O_PATH | nofollow);
	_cleanup_later_ int mount = -1;
	int r;

	mount = source < 0 ? source : mountfd_clone(source, "", m->recursive, true);
	if (mount < 0)
		return err_errno(err, -mount, ERR_AT "mounts[%ld].source: open %s in the rootfs",
				 m->config_index, m->inside);
	r = m->idmap ? step_mounts_map_ids(start, m, mount, err) : 0;
	return r < 0 ? r : fd_take(&mount);
}

/* mountinfo goes by the ids that mounts get when they are made, since Linux 6.8, and shall show the
 * order of the config. The trees were taken before anything was mounted; a copy, which Linux 6.15
 * makes of them too, has an id of its turn. Nobody wrote down an order for a sandbox, which has
 * dozens of them: a tenth of its start. */
static int take_tree(struct start *start, size_t i)
{
	_cleanup_later_ int early = fd_take(&start->mounts[i]);
	bool kept =
		start->plan->options->sandbox || is_copied(&start->plan->rootfs.mounts[i], early);
	int mount = kept ? -1 : mountfd_clone(early, "", true, true);

	return mount < 0 ? fd_take(&early) : mount;
}

static int open_tree_of(struct start *start, size_t i, struct err *err)
{
	const struct mount_entry *m = &start->plan->rootfs.mounts[i];
	_cleanup_later_ int mount = m->inside ? open_inside(start, m, err) : take_tree(start, i);
	int r = mount < 0 ? mount : check_source(m, mount, err);

	return r < 0 ? r : fd_take(&mount);
}

static int set_up(struct start *start, const struct mount_entry *m, int mount, struct err *err)
{
	int r = step_mounts_leave(start, m, mount, err);

	return r < 0 ? r : set_attrs(start, m, mount, err);
}

int step_mounts_tree(struct start *start, size_t i, struct err *err)
{
	_cleanup_later_ int mount = open_tree_of(start, i, err);
	int r = mount < 0 ? mount : set_up(start, &start->plan->rootfs.mounts[i], mount, err);

	return r < 0 ? r : fd_take(&mount);
}

static int bind_tree(struct start *start, size_t i, struct err *err)
{
	const struct mount_entry *m = &start->plan->rootfs.mounts[i];
	_cleanup_later_ int mount = open_tree_of(start, i, err);
	int r;

	if (mount < 0)
		return mount;
	if (is_copied(m, mount))
		return copy_link(start, m, mount, err);
	r = set_up(start, m, mount, err);
	return r < 0 ? r : step_mounts_attach(start, m, mount, err);
}

/* A remount's data is for the file system, not for the mount. */
static int reconfigure(const struct mount_entry *m, int mount)
{
	_cleanup_later_ int fs = -1;
	int r = 0;

	if (!m->n_super)
		return 0;
	fs = mountfd_fs_pick(mount);
	if (fs < 0)
		return fs;
	for (size_t i = 0; r == 0 && i < m->n_super; i++)
		r = mountfd_fs_set(fs, m->super[i].key, m->super[i].value);
	return r < 0 ? r : mountfd_fs_reconfigure(fs);
}

static int remount(struct start *start, const struct mount_entry *m, struct err *err)
{
	_cleanup_later_ int mount = resolve_open(start->rootfs, m->target, O_PATH);
	int r = mount < 0 ? mount : reconfigure(m, mount);

	if (r == 0)
		r = step_mounts_propagate(m, mount);
	if (r == 0)
		return set_attrs(start, m, mount, err);
	return err_errno(err, -r, ERR_AT "mounts[%ld]: remount %s", m->config_index, m->target);
}

int step_mounts_bind(struct start *start, size_t i, struct err *err)
{
	const struct mount_entry *m = &start->plan->rootfs.mounts[i];

	return m->kind == MOUNT_REMOUNT ? remount(start, m, err) : bind_tree(start, i, err);
}

int step_mounts_host_bind(struct start *start, size_t i, struct err *err)
{
	const struct mount_entry *m = &start->plan->rootfs.mounts[i];
	const char *from = m->kind == MOUNT_PROC    ? "/proc"
			   : m->kind == MOUNT_SYSFS ? "/sys"
						    : "/dev/mqueue";
	_cleanup_later_ int mount = mountfd_clone(AT_FDCWD, from, true, true);
	int r = mount;

	if (r >= 0)
		r = mountfd_set_attr(mount, m->attr_set, 0, MS_PRIVATE, true);
	if (r < 0)
		return err_errno(err, -r, ERR_AT "mounts[%ld]: bind the host's %s", m->config_index,
				 from);
	start_note(
		start,
		"mounts[%ld]: the host's %s is bound on %s: a new %s is refused by the kernel here",
		m->config_index, from, m->target, m->fs);
	return step_mounts_attach(start, m, mount, err);
}
