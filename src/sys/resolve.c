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

/* What exists of path from the back: cuts buf, which holds it, behind the last component there. */
static int open_what_exists(int root, char *buf, size_t *len)
{
	int fd = -ENOENT;

	while (fd == -ENOENT && *len) {
		while (*len && buf[*len - 1] == '/')
			buf[--*len] = '\0';
		while (*len && buf[*len - 1] != '/')
			buf[--*len] = '\0';
		fd = resolve_open(root, buf, O_PATH | O_DIRECTORY);
	}
	return fd;
}

/* Makes a directory that is missing, and its parents. Below what exists everything is new: a name that is
 * there after all is a dangling link, or came just now; neither is followed. */
static int make_directories(int root, const char *path, struct err *err)
{
	size_t len = strlen(path);
	char buf[PATH_MAX];
	int dir;

	if (len >= sizeof(buf))
		return err_errno(err, ENAMETOOLONG, "make %s in the rootfs", path);
	memcpy(buf, path, len + 1);
	dir = open_what_exists(root, buf, &len);
	for (const char *at = path + len; dir >= 0 && *(at += strspn(at, "/"));) {
		size_t n = strcspn(at, "/");
		int next;

		memcpy(buf, at, n);
		buf[n] = '\0';
		if (mkdirat(dir, buf, 0755) < 0 && errno != EEXIST)
			next = -errno;
		else
			next = resolve_beneath(dir, buf, O_PATH | O_DIRECTORY);
		fd_closep(&dir);
		dir = next;
		at += n;
	}
	return dir < 0 ? err_errno(err, -dir, "make the directory %s in the rootfs", path) : dir;
}

int resolve_mkdir(int root, const char *path, struct err *err)
{
	int dir = resolve_open(root, path, O_PATH | O_DIRECTORY);

	if (dir >= 0)
		return dir;
	if (dir == -ENOENT)
		return make_directories(root, path, err);
	return err_errno(err, -dir, "open the directory %s in the rootfs", path);
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

int resolve_make(int root, const char *path, bool want_dir, struct err *err)
{
	return want_dir ? make_directories(root, path, err) : make_file(root, path, err);
}

int resolve_mount_point(int root, const char *path, bool want_dir, bool follow, struct err *err)
{
	int fd = resolve_open(root, path, O_PATH | (follow ? 0 : O_NOFOLLOW));

	if (fd >= 0)
		return fd;
	if (fd == -ENOENT)
		return resolve_make(root, path, want_dir, err);
	return err_errno(err, -fd, "open %s in the rootfs", path);
}
