/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/resolve.h"

#include "src/base/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_how(int dirfd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = resolve,
	};
	long fd;

	/* EAGAIN: a rename or mount somewhere in the system raced with "..": the kernel could not be
	 * sure, and asks to try again. */
	for (int tries = 0; tries < 128; tries++) {
		fd = syscall(SYS_openat2, dirfd, *path ? path : ".", &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

int resolve_open(int root, const char *path, int flags)
{
	return open_how(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int resolve_beneath(int dir, const char *path, int flags)
{
	return open_how(dir, path, flags,
			RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);
}

/* One component below an already opened directory: entered, or made. A symbolic link met here is
 * followed inside the root by starting again from there. */
static int enter_or_make(int root, int dir, const char *sofar, const char *name)
{
	int fd = resolve_open(root, sofar, O_PATH | O_DIRECTORY);

	if (fd != -ENOENT)
		return fd;
	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	/* What was just made, or a dangling link that was there: the latter is refused. */
	return resolve_beneath(dir, name, O_PATH | O_DIRECTORY);
}

int resolve_mkdir(int root, const char *path, struct err *err)
{
	char sofar[PATH_MAX];
	int dir = resolve_open(root, path, O_PATH | O_DIRECTORY);

	if (dir >= 0)
		return dir;
	if (strlen(path) >= sizeof(sofar))
		return err_errno(err, ENAMETOOLONG, "make %s in the rootfs", path);
	dir = resolve_open(root, ".", O_PATH | O_DIRECTORY);
	for (const char *at = path + strspn(path, "/"); dir >= 0 && *at; at += strspn(at, "/")) {
		size_t start = (size_t)(at - path), end = start + strcspn(at, "/");
		int next;

		memcpy(sofar, path, end);
		sofar[end] = '\0';
		next = enter_or_make(root, dir, sofar, sofar + start);
		fd_closep(&dir);
		dir = next;
		at = path + end;
	}
	if (dir < 0)
		return err_errno(err, -dir, "make the directory %s in the rootfs", path);
	return dir;
}

int resolve_parent(int root, const char *path, const char **ret_name, struct err *err)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	*ret_name = name;
	if (strlen(path) >= sizeof(parent))
		return err_errno(err, ENAMETOOLONG, "make %s in the rootfs", path);
	memcpy(parent, path, (size_t)(name - path));
	parent[name - path] = '\0';
	return resolve_mkdir(root, *parent ? parent : ".", err);
}

static int make_file(int root, const char *path, struct err *err)
{
	const char *name;
	_cleanup_close_ int dir = resolve_parent(root, path, &name, err);
	int fd;

	if (dir < 0)
		return dir;
	/* O_EXCL and O_NOFOLLOW: a link of the image must not make us create its target
	 * (CVE-2025-52565, crun's /dev/console). */
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 && errno != EEXIST)
		return err_errno(err, errno, "make the file %s in the rootfs", path);
	fd_closep(&fd);
	fd = resolve_beneath(dir, name, O_PATH);
	if (fd < 0)
		return err_errno(err, -fd, "open %s in the rootfs", path);
	return fd;
}

int resolve_mount_point(int root, const char *path, bool want_dir, bool follow, struct err *err)
{
	int fd = resolve_open(root, path, O_PATH | (follow ? 0 : O_NOFOLLOW));

	if (fd >= 0)
		return fd;
	if (fd != -ENOENT)
		return err_errno(err, -fd, "open %s in the rootfs", path);
	return want_dir ? resolve_mkdir(root, path, err) : make_file(root, path, err);
}
