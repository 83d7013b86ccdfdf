/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes and the links of /dev (runtime-linux.md, config-linux.md "Default Devices"). */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/sys/mountfd.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int open_parent(struct run *run, const char *path, const char **ret_name, struct err *err)
{
	const char *slash = strrchr(path, '/');

	*ret_name = slash + 1;
	if (slash == path)
		return resolve_mkdir(run->rootfs, "/", err);
	return resolve_mkdir(run->rootfs, arena_strndup(run->arena, path, (size_t)(slash - path)),
			     err);
}

static bool is_that_device(const struct stat *st, const struct device_plan *d)
{
	if ((st->st_mode & S_IFMT) != (d->mode & S_IFMT))
		return false;
	return S_ISFIFO(st->st_mode) || st->st_rdev == makedev(d->major, d->minor);
}

/* LX-017: another file in the place of a device is an error, never left there or followed. */
static int check_existing(int dir, const char *name, const struct device_plan *d, struct err *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, errno, "look at %s in the rootfs", d->path);
	if (is_that_device(&st, d))
		return 0;
	return err_set(err, EEXIST,
		       "%s: another file is in the rootfs where the device %u:%u belongs", d->path,
		       d->major, d->minor);
}

static int make_node(int dir, const char *name, const struct device_plan *d, struct err *err)
{
	int r = 0;

	if (mknodat(dir, name, d->mode, makedev(d->major, d->minor)) < 0) {
		if (errno != EEXIST)
			return err_errno(err, errno, "make the device %s (%u:%u)", d->path,
					 d->major, d->minor);
		r = check_existing(dir, name, d, err);
		if (r == 0 && !d->from_config)
			return 0;
	}
	if (r < 0)
		return r;
	if ((d->uid || d->gid) && fchownat(dir, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, errno, "give the device %s to %u:%u", d->path, d->uid,
				 d->gid);
	return 0;
}

/* In a user namespace: the host's own node, checked by number, not by name. */
static int bind_node(int dir, const char *name, const struct device_plan *d, struct err *err)
{
	_cleanup_close_ int node = -1, target = -1;
	struct stat st;
	int r;

	if (S_ISFIFO(d->mode))
		return make_node(dir, name, d, err);
	if (fstatat(AT_FDCWD, d->path, &st, 0) < 0 || !is_that_device(&st, d))
		return err_set(err, ENODEV,
			       "the host has no device %u:%u at %s to bind, and making one is "
			       "refused in a user namespace",
			       d->major, d->minor, d->path);
	target = resolve_mount_point(dir, name, false, false, err);
	if (target < 0)
		return target;
	if (fstat(target, &st) == 0 && is_that_device(&st, d)) /* /dev of an outer container */
		return 0;
	node = mountfd_clone(AT_FDCWD, d->path, false, true);
	r = node < 0 ? node
		     : mountfd_set_attr(node, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, MS_PRIVATE,
					false);
	if (r == 0 && (fstat(node, &st) < 0 || !is_that_device(&st, d)))
		r = -ENODEV;
	if (r == 0)
		r = mountfd_attach(node, target);
	return r < 0 ? err_errno(err, -r, "bind the host's %s", d->path) : 0;
}

static int make_devices(struct run *run, struct err *err)
{
	const struct devices_plan *devices = &run->plan->devices;

	for (size_t i = 0; i < devices->n; i++) {
		const struct device_plan *d = &devices->v[i];
		_cleanup_close_ int dir = -1;
		const char *name;
		int r;

		dir = open_parent(run, d->path, &name, err);
		if (dir < 0)
			return dir;
		r = devices->bind ? bind_node(dir, name, d, err) : make_node(dir, name, d, err);
		if (r < 0)
			return d->from_config ? err_prefix(err, "config.json: linux.devices") : r;
	}
	return 0;
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
			return err_errno(err, errno, "make the link /dev/%s", links[i].name);
	return 0;
}

int step_devices(struct run *run, struct err *err)
{
	_cleanup_close_ int dev = -1;
	int r;

	if (!run->plan->devices.populate)
		return 0;
	r = make_devices(run, err);
	if (r < 0)
		return r;
	dev = resolve_mkdir(run->rootfs, "/dev", err);
	return dev < 0 ? dev : make_links(dev, err);
}
