/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/resolve.h"

#include "src/base/fd.h"
#include "src/sys/compat.h"
#include "src/sys/mountfd.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Replaces a missing openat2(): opens each component with O_PATH and O_NOFOLLOW in the directory
 * before it, and puts a link's target before the rest of the path. The directories on the way stay
 * open, and ".." is the previous one, so that a concurrent rename cannot lead us above the root. */
enum { MAX_LINKS = 40 /* as in the kernel */, GO_ON = -4096 /* not an errno */ };

struct path_walk {
	int root, dirs[RESOLVE_WALK_DEPTH];
	size_t depth;
	int links;
	uint64_t resolve;
	char rest[PATH_MAX];
};

static int here(const struct path_walk *w)
{
	return w->depth ? w->dirs[w->depth - 1] : w->root;
}

static void up(struct path_walk *w)
{
	fd_closep(&w->dirs[--w->depth]);
}

static int cut(struct path_walk *w, const char *after)
{
	memmove(w->rest, after, strlen(after) + 1);
	return GO_ON;
}

/* Links of procfs that refer to an object instead of a name: they read as absolute paths, or as
 * "pipe:[1]". */
static bool is_magic(int link, const char *text)
{
	struct statfs fs;

	return fstatfs(link, &fs) < 0 ||
	       (fs.f_type == PROC_SUPER_MAGIC && (*text == '/' || strpbrk(text, ":(")));
}

static int follow(struct path_walk *w, int link, const char *after)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(link, "", text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	if ((w->resolve & RESOLVE_NO_SYMLINKS) || ++w->links > MAX_LINKS || is_magic(link, text))
		return -ELOOP;
	if (*text == '/' && !(w->resolve & RESOLVE_IN_ROOT))
		return -EXDEV;
	if (n == 0)
		return -ENOENT;
	if ((size_t)n + strlen(after) >= sizeof(w->rest))
		return -ENAMETOOLONG;
	memmove(w->rest + n, after, strlen(after) + 1);
	memcpy(w->rest, text, (size_t)n);
	while (*text == '/' && w->depth)
		up(w);
	return GO_ON;
}

static bool crosses(const struct path_walk *w, int fd)
{
	return (w->resolve & RESOLVE_NO_XDEV) && !mountfd_is_same(here(w), fd);
}

/* Opens the last component as requested: it may be another file by now, but not a link. */
static int open_last(const struct path_walk *w, const char *name, int flags)
{
	_cleanup_close_ int fd = openat(here(w), name, flags | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return crosses(w, fd) ? -EXDEV : fd_take(&fd);
}

static int enter(struct path_walk *w, const char *name, const char *after, int flags)
{
	_cleanup_close_ int fd = openat(here(w), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (crosses(w, fd))
		return -EXDEV;
	if (S_ISLNK(st.st_mode) && (*after || !(flags & O_NOFOLLOW)))
		return follow(w, fd, after);
	if ((*after || (flags & O_DIRECTORY)) && !S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (!*after)
		return flags & O_PATH ? fd_take(&fd) : open_last(w, name, flags);
	if (w->depth == RESOLVE_WALK_DEPTH)
		return -ENAMETOOLONG;
	w->dirs[w->depth++] = fd_take(&fd);
	return cut(w, after);
}

static int component(struct path_walk *w, int flags)
{
	const char *name = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(name, "/");
	const char *after = name + n;
	char copy[NAME_MAX + 1];

	if (n == 0)
		return open_last(w, ".", flags);
	if (n >= sizeof(copy))
		return -ENAMETOOLONG;
	memcpy(copy, name, n);
	copy[n] = '\0';
	if (strcmp(copy, ".") == 0)
		return cut(w, after);
	if (strcmp(copy, "..") != 0)
		return enter(w, copy, after, flags);
	if (!w->depth && !(w->resolve & RESOLVE_IN_ROOT))
		return -EXDEV;
	if (w->depth)
		up(w);
	return cut(w, after);
}

int resolve_walk(int root, const char *path, int flags, uint64_t resolve)
{
	struct path_walk w = { .root = root, .resolve = resolve };
	size_t len = strlen(path);
	int fd;

	if (len >= sizeof(w.rest))
		return -ENAMETOOLONG;
	if (*path == '/' && !(resolve & RESOLVE_IN_ROOT))
		return -EXDEV;
	memcpy(w.rest, path, len + 1);
	do
		fd = component(&w, flags);
	while (fd == GO_ON);
	while (w.depth)
		up(&w);
	return fd;
}

static int open_how(int dirfd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = resolve,
	};
	int fd = -ENOSYS;

	if (!*path)
		path = ".";
	/* EAGAIN: a concurrent rename or mount raced with "..", so the kernel could not be sure,
	 * and asks for a retry. */
	for (int tries = 0; !compat_is_missing(COMPAT_OPENAT2) && tries < 128; tries++) {
		fd = compat_result(COMPAT_OPENAT2,
				   syscall(SYS_openat2, dirfd, path, &how, sizeof(how)));
		if (fd != -EAGAIN)
			break;
	}
	return fd == -ENOSYS ? resolve_walk(dirfd, path, flags, resolve) : fd;
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

int resolve_on_mount(int dir, const char *path, int flags)
{
	return open_how(dir, path, flags,
			RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
				RESOLVE_NO_XDEV);
}

/* Opens the existing part of path, searched from the end, and truncates buf, which holds path,
 * after the last existing component. */
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

/* If the first component of rest, in the directory that buf names up to len, is a link (a dangling
 * one, or it would have been followed), replaces buf by the path that it leads to. Images have such
 * links where engines mount files: /etc/resolv.conf. Returns 1 for a link, 0 for none. */
static int follow_dangling(int dir, char *buf, size_t len, const char *rest)
{
	size_t n = strcspn(rest, "/");
	char name[NAME_MAX + 1], link[PATH_MAX], tail[PATH_MAX];
	ssize_t got;
	int printed;

	if (n >= sizeof(name))
		return -ENAMETOOLONG;
	memcpy(name, rest, n);
	name[n] = '\0';
	got = readlinkat(dir, name, link, sizeof(link) - 1);
	if (got < 0)
		return 0;
	link[got] = '\0';
	(void)snprintf(tail, sizeof(tail), "%s", rest + n);
	if (*link == '/')
		len = 0;
	printed = snprintf(buf + len, PATH_MAX - len, "%s%s", link, tail);
	return printed < 0 || (size_t)printed >= PATH_MAX - len ? -ENAMETOOLONG : 1;
}

/* O_EXCL and O_NOFOLLOW: a link that has just appeared must not make us create its target. */
static int make_one(int dir, const char *name, bool want_dir)
{
	int fd;

	if (want_dir) {
		if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		return resolve_beneath(dir, name, O_PATH | O_DIRECTORY);
	}
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 && errno != EEXIST)
		return -errno;
	fd_closep(&fd);
	return resolve_beneath(dir, name, O_PATH);
}

/* Takes dir. Everything below it is new. */
static int make_all(int dir, const char *rest, bool want_dir)
{
	while (dir >= 0 && *rest) {
		size_t n = strcspn(rest, "/");
		const char *next = rest + n + strspn(rest + n, "/");
		char name[NAME_MAX + 1];
		int fd = -ENAMETOOLONG;

		if (n < sizeof(name)) {
			memcpy(name, rest, n);
			name[n] = '\0';
			fd = make_one(dir, name, want_dir || *next);
		}
		fd_closep(&dir);
		dir = fd;
		rest = next;
	}
	return dir;
}

/* Reports the failure with a hint; people tend to overlook who owns the tree. */
static int failed(int error, const char *verb, const char *path, struct err *err)
{
	(void)err_errno(err, error, "%s %s in the rootfs", verb, path);
	if (error == EACCES)
		err_hint(err, "the rootfs must belong to the caller, or be accessible to its ids: "
			      "chown -R it to the user who runs usrun, or unpack it as that user");
	if (error == EROFS)
		err_hint(err, "a mount point is missing there: create it in the image");
	if (error == EOVERFLOW)
		err_hint(err, "the container's user namespace has no id 0, to which it would "
			      "belong: map one, or create it in the image");
	return -err->code;
}

int resolve_make(int root, const char *path, bool want_dir, struct err *err)
{
	char wanted[PATH_MAX], buf[PATH_MAX];
	int fd = strlen(path) < sizeof(wanted) ? 0 : -ENAMETOOLONG, links = 0;

	if (fd == 0)
		(void)snprintf(wanted, sizeof(wanted), "%s", path);
	while (fd == 0) {
		size_t len = strlen(wanted);
		int dir, r;

		memcpy(buf, wanted, len + 1);
		dir = open_what_exists(root, buf, &len);
		len += strspn(wanted + len, "/");
		r = dir < 0 ? dir : follow_dangling(dir, buf, len, wanted + len);
		if (r > 0 && ++links < MAX_LINKS) {
			memcpy(wanted, buf, sizeof(wanted));
			fd_closep(&dir);
			continue;
		}
		if (r != 0) {
			fd_closep(&dir);
			dir = r > 0 ? -ELOOP : r;
		}
		fd = make_all(dir, wanted + len, want_dir);
	}
	if (fd < 0)
		return failed(-fd, want_dir ? "create the directory" : "create the file", path,
			      err);
	return fd;
}

int resolve_deepest(int root, const char *path, const char **ret_missing)
{
	char buf[PATH_MAX];
	size_t len = strlen(path);
	int dir = resolve_open(root, path, O_PATH | O_DIRECTORY);

	*ret_missing = path + len;
	if (dir != -ENOENT)
		return dir;
	if (len >= sizeof(buf))
		return -ENAMETOOLONG;
	memcpy(buf, path, len + 1);
	dir = open_what_exists(root, buf, &len);
	*ret_missing = path + len + strspn(path + len, "/");
	return dir;
}

int resolve_make_below(int dir, const char *missing)
{
	return make_all(dir, missing, true);
}

int resolve_mkdir(int root, const char *path, struct err *err)
{
	int dir = resolve_open(root, path, O_PATH | O_DIRECTORY);

	if (dir >= 0)
		return dir;
	if (dir == -ENOENT)
		return resolve_make(root, path, true, err);
	return failed(-dir, "open the directory", path, err);
}

int resolve_parent(int root, const char *path, const char **ret_name, struct err *err)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	*ret_name = name;
	if (strlen(path) >= sizeof(parent))
		return err_errno(err, ENAMETOOLONG, "create %s in the rootfs", path);
	memcpy(parent, path, (size_t)(name - path));
	parent[name - path] = '\0';
	return resolve_mkdir(root, *parent ? parent : ".", err);
}

int resolve_mount_point(int root, const char *path, bool want_dir, bool follow, struct err *err)
{
	int fd = resolve_open(root, path, O_PATH | (follow ? 0 : O_NOFOLLOW));

	if (fd >= 0)
		return fd;
	if (fd == -ENOENT)
		return resolve_make(root, path, want_dir, err);
	return failed(-fd, "open", path, err);
}

int resolve_check_cwd(struct err *err)
{
	char here[4096];

	if (getcwd(here, sizeof(here)) && here[0] == '/')
		return 0;
	return err_set(err, EPERM,
		       ERR_AT
		       "process.cwd: current working directory is outside of "
		       "container mount namespace root -- possible container breakout detected");
}

int resolve_rename_new(int dir, const char *from, const char *to)
{
	const unsigned int no_replace = 1; /* RENAME_NOREPLACE */

	return syscall(SYS_renameat2, dir, from, dir, to, no_replace) < 0 ? -errno : 0;
}
