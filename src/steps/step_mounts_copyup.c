/* SPDX-License-Identifier: Apache-2.0 */
/* tmpcopyup: a tmpfs that begins with a copy of what it covers: modes, owners, times, extended attributes,
 * links, special files. */
#include "src/steps/step_mounts.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/sys/resolve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MAX_DEPTH = 64 };

static int copy_dir(int from, int to, int depth);

/* What the tmpfs of this kernel cannot hold (user.* before Linux 6.6), or what we may not set, is left:
 * the files themselves are what was asked for. */
static void copy_xattrs(int from, int to)
{
	static char names[XATTR_LIST_MAX], value[XATTR_SIZE_MAX];
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
	off_t left = st->st_size;

	if (in < 0)
		return -errno;
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return -errno;
	while (left > 0) {
		ssize_t n = sendfile(out, in, NULL, (size_t)left);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		left -= n > 0 ? n : 0;
	}
	if (fchown(out, st->st_uid, st->st_gid) < 0) /* first: it takes capabilities away */
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

static int copy_subdir(int from, int to, const char *name, const struct stat *st, int depth)
{
	_cleanup_close_ int in = -1, out = -1;

	if (mkdirat(to, name, 0700) < 0)
		return -errno;
	in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0 || out < 0 || fchown(out, st->st_uid, st->st_gid) < 0)
		return -errno;
	copy_xattrs(in, out);
	return copy_dir(fd_take(&in), out, depth + 1);
}

/* Those with content have their owner. The mode after it, which loses setuid bits then; times last. */
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

static int copy_entry(int from, int to, const char *name, int depth)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		r = copy_file(from, to, name, &st);
	else if (S_ISLNK(st.st_mode))
		r = copy_link(from, to, name);
	else if (S_ISDIR(st.st_mode))
		r = copy_subdir(from, to, name, &st, depth);
	else
		r = mknodat(to, name, st.st_mode, st.st_rdev) < 0 ? -errno : 0;
	return r < 0 ? r : copy_attributes(to, name, &st);
}

/* Takes the descriptor `from`. */
static int copy_dir(int from, int to, int depth)
{
	DIR *dir = depth < MAX_DEPTH ? fdopendir(from) : NULL;
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		fd_closep(&from);
		return depth < MAX_DEPTH ? -errno : -ELOOP;
	}
	while (r == 0 && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])))
			continue;
		r = copy_entry(dirfd(dir), to, name, depth);
	}
	(void)closedir(dir);
	return r;
}

int step_mounts_copyup(struct run *run, const struct mount_entry *m, int mount, struct err *err)
{
	int from = resolve_open(run->rootfs, m->target, O_RDONLY | O_DIRECTORY), r;
	_cleanup_close_ int to = -1;

	if (from == -ENOENT)
		return 0;
	if (from < 0)
		return err_errno(err, -from, ERR_AT "mounts[%ld]: tmpcopyup of %s", m->config_index,
				 m->target);
	to = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = to < 0 ? -errno : copy_dir(from, to, 0);
	if (r < 0)
		return err_errno(err, -r, ERR_AT "mounts[%ld]: tmpcopyup of %s", m->config_index,
				 m->target);
	return 0;
}
