/* SPDX-License-Identifier: Apache-2.0 */
/* tmpcopyup: a tmpfs that starts with a copy of what it covers: modes, owners, times, extended
 * attributes, links, special files. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/base/memory.h"
#include "src/base/str.h"
#include "src/sys/resolve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* A directory being copied. */
struct level {
	struct level *up;
	struct stat st;
	struct str below; /* its subdirectories, NUL-terminated names */
	size_t next;
};

struct copy {
	int from, to; /* of the innermost level */
	struct level *level;
};

static const char *next_below(const struct level *level)
{
	return level->next < level->below.len ? level->below.s + level->next : NULL;
}

/* Attributes that this kernel's tmpfs does not support (user.* before Linux 6.6), or that we may
 * not set, are skipped: the request is for the files themselves. */
static void copy_xattrs(int from, int to)
{
	char names[XATTR_LIST_MAX], value[XATTR_SIZE_MAX];
	ssize_t len = flistxattr(from, names, sizeof(names));

	if (len < 0 && errno != ENOTSUP)
		log_debug("tmpcopyup: extended attributes are not kept: %s", err_why(errno));
	for (const char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
		ssize_t n = fgetxattr(from, name, value, sizeof(value));

		if (n < 0 || fsetxattr(to, name, value, (size_t)n, 0) < 0)
			log_debug("tmpcopyup: %s is not kept: %s", name, err_why(errno));
	}
}

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
	_cleanup_close_ int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	_cleanup_close_ int out = -1;
	int r;

	if (in < 0)
		return -errno;
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return -errno;
	r = io_copy_contents(in, out, st->st_size);
	if (r < 0)
		return r;
	if (fchown(out, st->st_uid, st->st_gid) < 0) /* first, because chown clears capabilities */
		return -errno;
	copy_xattrs(in, out);
	return 0;
}

static int copy_link(int from, int to, const char *name)
{
	char target[4097];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlinkat(target, to, name) < 0 ? -errno : 0;
}

/* Files with content already have their owner. The mode is set after it, because chown clears
 * setuid bits; times come last. */
static int copy_attributes(int to, const char *name, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode) &&
	    fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode) && fchmodat(to, name, st->st_mode & 07777, 0) < 0)
		return -errno;
	return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* Copies anything but a directory; directories are queued in the level. */
static int copy_entry(struct copy *copy, const char *name)
{
	struct stat st;
	int r;

	if (fstatat(copy->from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode)) {
		str_addn(&copy->level->below, name, strlen(name) + 1);
		return 0;
	}
	if (S_ISREG(st.st_mode))
		r = copy_file(copy->from, copy->to, name, &st);
	else if (S_ISLNK(st.st_mode))
		r = copy_link(copy->from, copy->to, name);
	else
		r = mknodat(copy->to, name, st.st_mode, st.st_rdev) < 0 ? -errno : 0;
	return r < 0 ? r : copy_attributes(copy->to, name, &st);
}

static int copy_entries(struct copy *copy)
{
	int fd = openat(copy->from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		r = -errno;
		fd_closep(&fd);
		return r;
	}
	while (r == 0 && (entry = io_next_entry(dir, &r)))
		r = copy_entry(copy, entry->d_name);
	(void)closedir(dir);
	return r;
}

static void push(struct copy *copy, const struct stat *st)
{
	struct level *level = memory_get(sizeof(*level));

	*level = (struct level){ .up = copy->level, .st = *st };
	copy->level = level;
}

static void pop(struct copy *copy)
{
	struct level *level = copy->level;

	copy->level = level->up;
	str_done(&level->below);
	memory_put(level);
}

static void move(struct copy *copy, int *from, int *to)
{
	fd_closep(&copy->from);
	fd_closep(&copy->to);
	copy->from = fd_take(from);
	copy->to = fd_take(to);
}

static int enter(struct copy *copy, const char *name)
{
	_cleanup_close_ int from = -1, to = -1;
	struct stat st;

	if (mkdirat(copy->to, name, 0700) < 0)
		return -errno;
	from = openat(copy->from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	to = openat(copy->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0 || to < 0 || fstat(from, &st) < 0 || fchown(to, st.st_uid, st.st_gid) < 0)
		return -errno;
	copy_xattrs(from, to);
	move(copy, &from, &to);
	push(copy, &st);
	return copy_entries(copy);
}

static int leave(struct copy *copy)
{
	_cleanup_close_ int from = openat(copy->from, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int to = openat(copy->to, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct level *up = copy->level->up;
	struct stat done = copy->level->st, st;
	const char *name;

	if (from < 0 || to < 0 || fstat(from, &st) < 0)
		return -errno;
	/* The directory was moved meanwhile: ".." may lead anywhere. */
	if (st.st_ino != up->st.st_ino || st.st_dev != up->st.st_dev)
		return -ESTALE;
	move(copy, &from, &to);
	pop(copy);
	name = next_below(copy->level);
	if (!name) /* it was entered by name */
		return -ESTALE;
	copy->level->next += strlen(name) + 1;
	return copy_attributes(copy->to, name, &done);
}

/* Two descriptors, regardless of the tree's depth. */
static int copy_tree(struct copy *copy)
{
	struct stat st;
	int r = fstat(copy->from, &st) < 0 ? -errno : 0;

	if (r < 0)
		return r;
	push(copy, &st);
	r = copy_entries(copy);
	while (r == 0) {
		const char *name = next_below(copy->level);

		if (!name && !copy->level->up)
			break;
		r = name ? enter(copy, name) : leave(copy);
	}
	while (copy->level)
		pop(copy);
	return r;
}

int step_mounts_copyup(struct start *start, const struct mount_entry *m, int mount, struct err *err)
{
	struct copy copy = {
		.from = resolve_open(start->rootfs, m->target, O_RDONLY | O_DIRECTORY),
		.to = -1,
	};
	int r = copy.from;

	if (r == -ENOENT)
		return 0;
	if (r >= 0)
		copy.to = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r >= 0)
		r = copy.to < 0 ? -errno : copy_tree(&copy);
	fd_closep(&copy.from);
	fd_closep(&copy.to);
	return r < 0 ? err_errno(err, -r, ERR_AT "mounts[%ld]: tmpcopyup of %s", m->config_index,
				 m->target)
		     : 0;
}
