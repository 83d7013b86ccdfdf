/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes and the links of /dev (runtime-linux.md, config-linux.md "Default Devices").
 *
 * Nodes are made; where that is refused, or where the file system would not let them be opened, the
 * host's node is bound. Names of the image and of shared volumes are not trusted: a node counts
 * only by its type and number, and is changed by descriptor. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/host/node.h"
#include "src/sys/mountfd.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct place {           /* previous device's directory, since most are siblings */
	int dir, opened; /* opened: the same, or -1 if the start owns it */
	const char *path;
	size_t len;
	bool nodev, own;
};

static int enter(struct start *start, const char *path, struct place *at, const char **ret_name,
		 struct err *err)
{
	size_t len = (size_t)(strrchr(path, '/') - path);
	struct statvfs fs;
	int made;

	*ret_name = path + len + 1;
	if (at->dir >= 0 && at->len == len && strncmp(at->path, path, len) == 0)
		return 0;
	fd_closep(&at->opened);
	made = step_mounts_own_at(start, path, len);
	if (made < 0)
		at->opened = resolve_parent(start->rootfs, path, ret_name, err);
	at->dir = made >= 0 ? made : at->opened;
	if (at->dir < 0)
		return at->dir;
	at->own = made >= 0 || step_mounts_is_own(start, at->dir);
	at->path = path;
	at->len = len;
	at->nodev = fstatvfs(at->dir, &fs) == 0 && (fs.f_flag & ST_NODEV);
	return 0;
}

static bool is_that_device(const struct stat *st, const struct device_plan *d)
{
	return node_is(st, d->mode, d->major, d->minor);
}

/* LX-017: another file in a device's place is an error; it is neither kept nor followed. */
static int open_made(int dir, const char *name, const struct device_plan *d, struct err *err)
{
	_cleanup_close_ int node = resolve_beneath(dir, name, O_PATH | O_NOFOLLOW);
	struct stat st;

	if (node < 0 || fstat(node, &st) < 0)
		return err_errno(err, node < 0 ? -node : errno, "stat %s in the rootfs", d->path);
	if (is_that_device(&st, d))
		return fd_take(&node);
	return err_set(err, EEXIST, "%s: the rootfs has another file in place of the device %u:%u",
		       d->path, d->major, d->minor);
}

/* Owner first: chown may clear mode bits. */
static int set_owner_and_mode(int dir, const char *name, const struct device_plan *d, bool mode,
			      struct err *err)
{
	_cleanup_close_ int node = open_made(dir, name, d, err);
	struct fd_path path;

	if (node < 0)
		return node;
	if (fchownat(node, "", d->uid, d->gid, AT_EMPTY_PATH) < 0)
		return err_errno(err, errno, "give the device %s to %u:%u", d->path, d->uid,
				 d->gid);
	path = fd_path(node);
	if (mode && chmod(path.text, d->mode & 07777) < 0)
		return err_errno(err, errno, "set the mode of the device %s", d->path);
	return 0;
}

static int make_node(int dir, const char *name, const struct device_plan *d, struct err *err)
{
	if (mknodat(dir, name, d->mode, makedev(d->major, d->minor)) == 0)
		return d->uid || d->gid ? set_owner_and_mode(dir, name, d, false, err) : 0;
	if (errno != EEXIST)
		return err_errno(err, errno, "create the device %s (%u:%u)", d->path, d->major,
				 d->minor);
	if (!d->from_config) {
		int node = open_made(dir, name, d, err), r = node < 0 ? node : 0;

		fd_closep(&node);
		return r;
	}
	return set_owner_and_mode(dir, name, d, true, err);
}

static int clone_node(struct start *start, const struct device_plan *d, struct err *err)
{
	uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	const char *from = node_find(start->arena, d->path, d->mode, d->major, d->minor);
	_cleanup_close_ int node = -1;
	struct stat st;
	int r;

	if (!from)
		return err_set(err, ENODEV,
			       "%s: the host has no device %u:%u to bind, and the kernel refuses "
			       "to create one",
			       d->path, d->major, d->minor);
	node = mountfd_clone(AT_FDCWD, from, false, true);
	if (start->plan->devices.readonly)
		attrs |= MOUNT_ATTR_RDONLY;
	r = node < 0 ? node : mountfd_set_attr(node, attrs, 0, MS_PRIVATE, false);
	if (r == 0 && (fstat(node, &st) < 0 || !is_that_device(&st, d)))
		r = -ENODEV;
	if (r < 0)
		return err_errno(err, -r, "bind the host's %s", from);
	if (d->from_config && (st.st_mode ^ d->mode) & 0777)
		start_note(start,
			   "linux.devices (%s): the host's node is bound, with its mode %o and its "
			   "owner",
			   d->path, st.st_mode & 0777);
	return fd_take(&node);
}

static int bind_node(struct start *start, int dir, const char *name, const struct device_plan *d,
		     struct err *err)
{
	_cleanup_close_ int node = -1, target = -1;
	struct stat st;
	int r;

	if (S_ISFIFO(d->mode)) /* anyone may create FIFOs, anywhere */
		return make_node(dir, name, d, err);
	target = resolve_mount_point(dir, name, false, false, err);
	if (target < 0)
		return target;
	if (fstat(target, &st) == 0 && is_that_device(&st, d)) /* bound already, or all of /dev */
		return 0;
	node = clone_node(start, d, err);
	if (node < 0)
		return node;
	r = mountfd_attach(node, target);
	return r < 0 ? err_errno(err, -r, "bind the host's node on %s", d->path) : 0;
}

/* A node shown by a bind mount is never changed: a matching one is used as it is, any other is
 * mounted over. */
static int use_foreign(struct start *start, int dir, const char *name, const struct device_plan *d,
		       struct err *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_that_device(&st, d)) {
		if (d->from_config &&
		    ((st.st_mode ^ d->mode) & 07777 || st.st_uid != d->uid || st.st_gid != d->gid))
			start_note(start,
				   "linux.devices (%s): in a bind-mounted directory: it keeps its "
				   "mode %o and its owner %u:%u",
				   d->path, st.st_mode & 07777, st.st_uid, st.st_gid);
		return 0;
	}
	if (S_ISFIFO(d->mode))
		return err_set(err, EINVAL,
			       "%s: in a bind-mounted directory, where no device is created",
			       d->path);
	return bind_node(start, dir, name, d, err);
}

static int make_device(struct start *start, const struct device_plan *d, struct place *at,
		       struct err *err)
{
	struct err why = { 0 };
	const char *name;
	int r = enter(start, d->path, at, &name, err);

	if (r < 0)
		return r;
	if (!at->own)
		return use_foreign(start, at->dir, name, d, err);
	if (start->plan->devices.bind)
		return bind_node(start, at->dir, name, d, err);
	if (at->nodev && !S_ISFIFO(d->mode)) {
		bool there = node_find(start->arena, d->path, d->mode, d->major, d->minor);

		start_note(
			start,
			"%s: %s: the directory is mounted nodev, where a new one cannot be opened",
			d->path,
			there ? "the host's node is bound"
			      : "created all the same, because the host has none to bind");
		return there ? bind_node(start, at->dir, name, d, err)
			     : make_node(at->dir, name, d, err);
	}
	r = make_node(at->dir, name, d, &why);
	if (r != -EPERM) {
		if (r < 0)
			*err = why;
		return r;
	}
	start_note(start, "%s: the host's node is bound: %s", d->path, why.text);
	return bind_node(start, at->dir, name, d, err);
}

static int make_links(int dev, struct err *err)
{
	static const struct {
		const char *name, *target;
	} links[] = {
		{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
		{ "core", "/proc/kcore" },       { "ptmx", "pts/ptmx" },
	};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i].target, dev, links[i].name) < 0 && errno != EEXIST)
			return err_errno(err, errno, "create the link /dev/%s", links[i].name);
	return 0;
}

static int64_t host_uid(const struct start *start, uint32_t uid)
{
	return idmap_to_host(&start->plan->idmap.uid, uid);
}

static int64_t host_gid(const struct start *start, uint32_t gid)
{
	return idmap_to_host(&start->plan->idmap.gid, gid);
}

/* Creates the directory of "net/tun" in a new file system, where nothing can be in the way. */
static int make_parents(const struct start *start, int dev, const char **name, struct err *err)
{
	_cleanup_close_ int dir = fcntl(dev, F_DUPFD_CLOEXEC, 3);

	for (const char *slash; dir >= 0 && (slash = strchr(*name, '/')); *name = slash + 1) {
		const char *part = arena_strndup(start->arena, *name, (size_t)(slash - *name));
		int below = -1;

		if (mkdirat(dir, part, 0755) == 0 || errno == EEXIST)
			below = openat(dir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0 &&
		    fchown(below, (uid_t)host_uid(start, 0), (gid_t)host_gid(start, 0)) < 0)
			fd_closep(&below);
		fd_closep(&dir);
		dir = below;
	}
	return dir < 0 ? err_errno(err, errno, "create the directories of a device")
		       : fd_take(&dir);
}

static int make_outside(const struct start *start, int dev, const struct device_plan *d,
			struct err *err)
{
	const char *name = d->path + strlen("/dev/");
	int64_t uid = host_uid(start, d->uid), gid = host_gid(start, d->gid);
	_cleanup_close_ int dir = -1;
	struct device_plan there = *d;

	if (!str_starts(d->path, "/dev/"))
		return 0; /* init binds it from the host */
	if (uid < 0 || gid < 0)
		return err_set(err, EINVAL,
			       "%s: its owner %u:%u is outside of linux.uidMappings or gidMappings",
			       d->path, d->uid, d->gid);
	there.uid = (uint32_t)uid;
	there.gid = (uint32_t)gid;
	dir = make_parents(start, dev, &name, err);
	return dir < 0 ? dir : make_node(dir, name, &there, err);
}

/* A file system belongs to the user namespace in which it is created; its root directory to the
 * container's root. */
static int make_dev(struct start *start, size_t i, struct err *err)
{
	const struct mount_super owner[] = {
		{ "uid", arena_strf(start->arena, "%lld", (long long)host_uid(start, 0)) },
		{ "gid", arena_strf(start->arena, "%lld", (long long)host_gid(start, 0)) },
	};

	start->mounts[i] = step_mounts_new_fs(start, &start->plan->rootfs.mounts[i], owner, 2, err);
	return start->mounts[i] < 0 ? start->mounts[i] : 0;
}

int step_devices_make(struct start *start, struct err *err)
{
	const struct devices_plan *devices = &start->plan->devices;
	size_t i = devices->by_parent - 1;
	mode_t old;
	int r;

	if (!devices->by_parent)
		return 0;
	r = make_dev(start, i, err);
	old = umask(0); /* modes exactly as given */
	for (size_t k = 0; r == 0 && k < devices->n; k++) {
		r = make_outside(start, start->mounts[i], &devices->v[k], err);
		if (r < 0)
			(void)err_prefix(err, ERR_AT "linux.devices");
	}
	(void)umask(old);
	return r;
}

int step_devices(struct start *start, struct err *err)
{
	const struct devices_plan *devices = &start->plan->devices;
	struct place at = { .dir = -1, .opened = -1 };
	const char *name;
	int r = 0;

	for (size_t i = 0; r == 0 && i < devices->n; i++) {
		r = make_device(start, &devices->v[i], &at, err);
		if (r < 0 && devices->v[i].from_config)
			(void)err_prefix(err, ERR_AT "linux.devices");
	}
	if (r == 0 && devices->populate)
		r = enter(start, "/dev/fd", &at, &name, err);
	if (r == 0 && devices->populate && at.own)
		r = make_links(at.dir, err);
	fd_closep(&at.opened);
	return r;
}
