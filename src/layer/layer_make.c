/* SPDX-License-Identifier: Apache-2.0 */
#include "src/layer/layer_make.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char acl_name[] = "system.posix_acl_access";

/* Strips setuid and setgid from files: whoever read the list of changes has not seen what they
 * do. */
mode_t layer_make_mode(mode_t mode)
{
	return mode & (S_ISDIR(mode) ? 03777 : 0777);
}

static mode_t mode_of(const struct stat *st)
{
	return layer_make_mode(st->st_mode);
}

static int set_times(const struct layer_job *job, const char *name)
{
	const struct timespec times[2] = { job->st.st_atim, job->st.st_mtim };

	return utimensat(job->to, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* Creates a file without a name or, where the file system cannot do that, with the temporary
 * one. */
static int open_new(const struct layer_job *job, bool *ret_named)
{
	int fd = openat(job->to, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	*ret_named = fd < 0;
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd < 0 ? -errno : fd;
	fd = openat(job->to, job->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	return fd < 0 ? -errno : fd;
}

static bool has_no_acl(int error)
{
	return error == ENODATA || error == EOPNOTSUPP;
}

/* In the mode of a file with an ACL, the group's bits are only the mask. So a modified file, which
 * is replaced by a new one, keeps the ACL that it has, and a new one gets that of the layer. */
static int keep_acl(const struct layer_job *job, int from, int to)
{
	bool modified = job->change->what == LAYER_MODIFIED;
	_cleanup_close_ int old =
		modified ? openat(job->to, job->name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
	char acl[XATTR_SIZE_MAX];
	ssize_t n;

	if (modified && old < 0)
		return -errno;
	n = getxattr(fd_path(modified ? old : from).text, acl_name, acl, sizeof(acl));
	if (n < 0 && !has_no_acl(errno))
		return -errno;
	if (n >= 0)
		return fsetxattr(to, acl_name, acl, (size_t)n, 0) < 0 ? -errno : 0;
	/* One that it has got from its directory. */
	return modified && fremovexattr(to, acl_name) < 0 && !has_no_acl(errno) ? -errno : 0;
}

static int make_file(const struct layer_job *job)
{
	_cleanup_close_ int from =
		openat(job->from, job->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_close_ int to = -1;
	struct stat st;
	bool named;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	to = open_new(job, &named);
	if (to < 0)
		return to;
	r = io_copy_contents(from, to, st.st_size);
	if (r == 0)
		r = keep_acl(job, from, to);
	if (r == 0 && fchmod(to, mode_of(&st)) < 0)
		r = -errno;
	if (r == 0 && !named &&
	    linkat(AT_FDCWD, fd_path(to).text, job->to, job->temporary, AT_SYMLINK_FOLLOW) < 0)
		r = -errno;
	return r;
}

static int make_link(const struct layer_job *job)
{
	char target[4096];
	ssize_t n = readlinkat(job->from, job->name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlinkat(target, job->to, job->temporary) < 0 ? -errno : 0;
}

static int make_fifo(const struct layer_job *job)
{
	if (mkfifoat(job->to, job->temporary, 0600) < 0)
		return -errno;
	/* Only now, because the umask applied to the creation. */
	return fchmodat(job->to, job->temporary, mode_of(&job->st), 0) < 0 ? -errno : 0;
}

/* Where owners in the layer are meaningless, an existing file keeps its group, as far as its user
 * may set it, and a new one gets its directory's. */
static int keep_group(const struct layer_job *job, const char *name, const struct stat *st)
{
	struct stat old;

	if (fstatat(job->to, job->name, &old, AT_SYMLINK_NOFOLLOW) < 0 || old.st_gid == st->st_gid)
		return 0;
	return fchownat(job->to, name, (uid_t)-1, old.st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
			       errno != EPERM
		       ? -errno
		       : 0;
}

static int set_owner(const struct layer_job *job, const char *name)
{
	struct stat st;

	if (fstatat(job->to, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (job->change->part->squash.v)
		return keep_group(job, name, &st);
	if (st.st_uid == job->st.st_uid && st.st_gid == job->st.st_gid)
		return 0;
	return fchownat(job->to, name, job->st.st_uid, job->st.st_gid, AT_SYMLINK_NOFOLLOW) < 0
		       ? -errno
		       : 0;
}

/* Later calls find a file in its place, and have no reason to look for this one. */
static int drop_temporary(const struct layer_job *job, int r)
{
	for (int tries = 0; unlinkat(job->to, job->temporary, 0) < 0 && errno != ENOENT; tries++)
		if (tries)
			return r < 0 ? r : -errno;
	return r;
}

/* In one step, or a kill could leave the temporary name beside the file. Not every file system has
 * that. */
static int place_new(const struct layer_job *job)
{
	int r = resolve_rename_new(job->to, job->temporary, job->name);

	if (r != -EINVAL && r != -ENOSYS && r != -EPERM)
		return r;
	if (linkat(job->to, job->temporary, job->to, job->name, 0) < 0)
		return -errno;
	return drop_temporary(job, 0);
}

/* Moves the file into place. A file that appeared since the list was made stays. */
static int settle(const struct layer_job *job, bool over)
{
	int r = set_owner(job, job->temporary);

	if (r == 0)
		r = set_times(job, job->temporary);
	if (r == 0 && over && renameat(job->to, job->temporary, job->to, job->name) < 0)
		r = -errno;
	else if (r == 0 && !over)
		r = place_new(job);
	if (r == 0)
		return 0;
	return drop_temporary(job, r);
}

static int make(const struct layer_job *job, bool over)
{
	mode_t kind = job->st.st_mode & S_IFMT;
	int r;

	if (kind == S_IFDIR) {
		if (mkdirat(job->to, job->name, mode_of(&job->st) | 0700) == 0)
			return set_owner(job, job->name);
		return errno == EEXIST && !over ? -EEXIST : -errno;
	}
	/* Left by a call that was killed. */
	(void)unlinkat(job->to, job->temporary, 0);
	r = kind == S_IFREG   ? make_file(job)
	    : kind == S_IFLNK ? make_link(job)
	    : kind == S_IFIFO ? make_fifo(job)
			      : -EOPNOTSUPP;
	if (r == 0)
		return settle(job, over);
	(void)unlinkat(job->to, job->temporary, 0);
	return r;
}

static int touch(const struct layer_job *job)
{
	const char *name = *job->name ? job->name : ".";
	_cleanup_close_ int fd = resolve_on_mount(job->to, name, O_PATH | O_NOFOLLOW);
	struct stat st;
	int r;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_mode ^ job->st.st_mode) & S_IFMT)
		return -ESTALE;
	r = set_owner(job, name);
	if (r < 0)
		return r;
	if (!S_ISLNK(st.st_mode) && chmod(fd_path(fd).text, mode_of(&job->st)) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : set_times(job, name);
}

static int replace(const struct layer_job *job)
{
	bool trees = S_ISDIR(job->change->was.mode) || S_ISDIR(job->st.st_mode);
	int r = trees ? layer_remove_tree(job->to, job->name) : 0;

	return r < 0 ? r : make(job, !trees);
}

int layer_make(const struct layer_job *job)
{
	switch (job->change->what) {
	case LAYER_ADDED:
		return make(job, false);
	case LAYER_MODIFIED:
		return make(job, true);
	case LAYER_DELETED:
		return layer_remove_tree(job->to, job->name);
	case LAYER_RETYPED:
		return replace(job);
	case LAYER_TOUCHED:
		return touch(job);
	}
	return 0;
}
