/* SPDX-License-Identifier: Apache-2.0 */
/* Each component is opened by O_PATH and O_NOFOLLOW in the directory before it, and what a link says is put in front
 * of the rest of the path. The directories on the way stay open, and ".." is the one that was passed before: who
 * renames directories meanwhile cannot lead us above the root. */
#include "src/sys/resolve_walk.h"

#include "src/base/fd.h"
#include "src/sys/mountfd.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MAX_LINKS = 40 /* as the kernel has it */, GO_ON = -4096 /* no errno */ };

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

/* Those of procfs that lead to a thing rather than to a name are read as absolute paths, or as "pipe:[1]". */
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

/* What the last name means, opened as asked: another file may have the name by now, but no link. */
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
