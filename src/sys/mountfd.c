/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/mountfd.h"

#include "src/base/arena.h"
#include "src/base/fd.h"
#include "src/sys/compat.h"
#include "src/sys/stage.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* mount(2), which replaces mount_setattr(), changes only what is attached in our own mount
 * namespace. Other changes wait here for mountfd_attach(). */
static struct pending {
	int mount;
	struct mount_attr attr;
	bool recursive;
} pending[16];
static size_t n_pending;

static void forget(int mount)
{
	size_t kept = 0;

	for (size_t i = 0; i < n_pending; i++)
		if (pending[i].mount != mount)
			pending[kept++] = pending[i];
	n_pending = kept;
}

int mountfd_fresh(int mount)
{
	if (mount >= 0)
		forget(mount);
	return mount;
}

static int open_path(int dirfd, const char *path, bool follow)
{
	int fd = *path ? openat(dirfd, path, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW))
		       : fcntl(dirfd, F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? -errno : fd;
}

static int copy_staged(int dirfd, const char *path, bool recursive, bool follow)
{
	_cleanup_close_ int from = stage_is_set() ? open_path(dirfd, path, follow) : -ENOSYS;

	return from < 0 ? from : stage_copy(from, recursive);
}

int mountfd_clone(int dirfd, const char *path, bool recursive, bool follow)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	int r;

	if (!*path)
		flags |= AT_EMPTY_PATH;
	if (recursive)
		flags |= AT_RECURSIVE;
	if (!follow)
		flags |= AT_SYMLINK_NOFOLLOW;
	r = compat_result(COMPAT_OPEN_TREE, syscall(SYS_open_tree, dirfd, path, flags));
	if (r == -ENOSYS)
		r = copy_staged(dirfd, path, recursive, follow);
	return mountfd_fresh(compat_or_name(COMPAT_OPEN_TREE, r));
}

static bool takes_later; /* set if mountfd_take() cannot copy at once */

void mountfd_enter_own(void)
{
	takes_later = true;
}

int mountfd_isolate(void)
{
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return -errno;
	stage_begin();
	return 0;
}

int mountfd_take(int dirfd, const char *path, bool recursive, bool follow)
{
	int r = mountfd_clone(dirfd, path, recursive, follow);

	return r == -ENOSYS && takes_later ? mountfd_fresh(open_path(dirfd, path, follow)) : r;
}

int mountfd_complete(int taken, bool recursive)
{
	_cleanup_close_ int mount = -1;

	if (!compat_is_missing(COMPAT_OPEN_TREE))
		return 0;
	mount = mountfd_clone(taken, "", recursive, false);
	if (mount < 0)
		return mount;
	return dup3(mount, taken, O_CLOEXEC) < 0 ? -errno : 1;
}

bool mountfd_is_complete(void)
{
	return !compat_is_missing(COMPAT_OPEN_TREE);
}

bool mountfd_is_same(int a, int b)
{
	struct statx one = { 0 }, other = { 0 };

	return syscall(SYS_statx, a, "", AT_EMPTY_PATH, STATX_MNT_ID, &one) == 0 &&
	       syscall(SYS_statx, b, "", AT_EMPTY_PATH, STATX_MNT_ID, &other) == 0 &&
	       (one.stx_mask & other.stx_mask & STATX_MNT_ID) && one.stx_mnt_id == other.stx_mnt_id;
}

int mountfd_ids(int fd, struct mountfd_ids *ret)
{
	const unsigned int unique = 0x4000; /* STATX_MNT_ID_UNIQUE */
	struct statx st = { 0 };

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return -errno;
	if (!(st.stx_mask & STATX_MNT_ID))
		return -EOPNOTSUPP;
	*ret = (struct mountfd_ids){ .id = st.stx_mnt_id };
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, unique, &st) < 0)
		return -errno;
	if (st.stx_mask & unique)
		ret->unique = st.stx_mnt_id;
	return 0;
}

/* A file inside a mount rather than its root, which will never be attached. */
static bool is_no_root(int fd)
{
	const uint64_t root = 0x2000; /* STATX_ATTR_MOUNT_ROOT */
	struct statx st = { 0 };

	return syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0, &st) == 0 &&
	       (st.stx_attributes_mask & root) && !(st.stx_attributes & root);
}

static int defer(int mount, const struct mount_attr *attr, bool recursive)
{
	if (n_pending == sizeof(pending) / sizeof(pending[0]))
		return -ENOSPC;
	pending[n_pending++] = (struct pending){ mount, *attr, recursive };
	return 0;
}

unsigned long mountfd_classic_flags(uint64_t attrs)
{
	static const struct {
		uint64_t attr;
		unsigned long flag;
	} table[] = {
		{ MOUNT_ATTR_RDONLY, MS_RDONLY },         { MOUNT_ATTR_NOSUID, MS_NOSUID },
		{ MOUNT_ATTR_NODEV, MS_NODEV },           { MOUNT_ATTR_NOEXEC, MS_NOEXEC },
		{ MOUNT_ATTR_NODIRATIME, MS_NODIRATIME }, { MOUNT_ATTR_NOSYMFOLLOW, 256 },
	};
	unsigned long flags = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (attrs & table[i].attr)
			flags |= table[i].flag;
	if ((attrs & MOUNT_ATTR__ATIME) == MOUNT_ATTR_NOATIME)
		flags |= MS_NOATIME;
	if ((attrs & MOUNT_ATTR__ATIME) == MOUNT_ATTR_STRICTATIME)
		flags |= MS_STRICTATIME;
	return flags;
}

static uint64_t attrs_of(unsigned long flags)
{
	enum { NOATIME = 0x400, NODIRATIME = 0x800, RELATIME = 0x1000, NOSYMFOLLOW = 0x2000 };
	uint64_t attrs = flags & (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				  MOUNT_ATTR_NOEXEC); /* the same bits */

	if (flags & NODIRATIME)
		attrs |= MOUNT_ATTR_NODIRATIME;
	if (flags & NOSYMFOLLOW)
		attrs |= MOUNT_ATTR_NOSYMFOLLOW;
	return attrs | (flags & NOATIME    ? MOUNT_ATTR_NOATIME
			: flags & RELATIME ? MOUNT_ATTR_RELATIME
					   : MOUNT_ATTR_STRICTATIME);
}

/* Changes a directory by descriptor, not through /proc, which is the container's after the
 * pivot. */
static int change(int mount_fd, unsigned long flags)
{
	_cleanup_close_ int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (back < 0 || fchdir(mount_fd) < 0)
		return mount(NULL, fd_path(mount_fd).text, NULL, flags, NULL) < 0 ? -errno : 0;
	r = mount(NULL, ".", NULL, flags, NULL) < 0 ? -errno : 0;
	return fchdir(back) < 0 ? -errno : r;
}

static int remount(int mount, uint64_t attrs)
{
	bool relatime = (attrs & MOUNT_ATTR__ATIME) == MOUNT_ATTR_RELATIME;

	return change(mount, MS_REMOUNT | MS_BIND | mountfd_classic_flags(attrs) |
				     (relatime ? MS_RELATIME : 0));
}

static int set_own(int mount, const struct mount_attr *attr)
{
	const uint64_t access_times = MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME;
	struct statvfs st;
	uint64_t now;
	int r;

	if (fstatvfs(mount, &st) < 0)
		return -errno;
	now = attrs_of(st.f_flag);
	r = remount(mount, (now & ~attr->attr_clr) | attr->attr_set);
	if (r == -EPERM) /* locked by the host, but protective flags may still be added */
		r = remount(mount, now | (attr->attr_set & ~access_times));
	return r;
}

struct listed {
	unsigned long long id, parent;
	char *target;
};

/* Decodes mountinfo's escapes (spaces and the like) in place. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		unsigned int c;

		if (*text == '\\' && sscanf(text + 1, "%3o", &c) == 1) {
			*to++ = (char)c;
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* All mounts that this process sees; NULL if they cannot be read. */
static struct listed *list(struct arena *arena, size_t *ret_n)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	struct listed *v = NULL, one;
	size_t cap = 0, size = 0;
	char *line = NULL;
	int at = 0;

	*ret_n = 0;
	while (file && getline(&line, &size, file) > 0) {
		if (sscanf(line, "%llu %llu %*s %*s %n", &one.id, &one.parent, &at) != 2)
			continue;
		one.target = arena_strndup(arena, line + at, strcspn(line + at, " "));
		unescape(one.target);
		v = arena_room(arena, v, *ret_n, &cap, sizeof(*v));
		v[(*ret_n)++] = one;
	}
	free(line);
	if (file)
		(void)fclose(file);
	return v;
}

static int set_listed(int top, const char *path, unsigned long long id,
		      const struct mount_attr *attr)
{
	_cleanup_close_ int fd = openat(top, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct mountfd_ids ids;

	/* Covered by another mount, or unreachable. */
	if (fd < 0 || mountfd_ids(fd, &ids) < 0 || ids.id != id)
		return compat_irreplaceable(COMPAT_MOUNT_SETATTR);
	return set_own(fd, attr);
}

struct below {
	int top;
	const char *target; /* of top */
	const struct listed *v;
	size_t n;
	const struct mount_attr *attr;
};

static int set_below(const struct below *b, unsigned long long parent)
{
	size_t len = strlen(b->target) - (strcmp(b->target, "/") == 0);
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->n; i++) {
		const char *path = b->v[i].target + len + 1;

		if (b->v[i].parent != parent || b->v[i].id == parent)
			continue;
		if (strlen(b->v[i].target) <= len + 1) /* mounted over the mount itself */
			return compat_irreplaceable(COMPAT_MOUNT_SETATTR);
		r = set_listed(b->top, path, b->v[i].id, b->attr);
		if (r == 0)
			r = set_below(b, b->v[i].id);
	}
	return r;
}

/* Changes the mounts one by one, from the kernel's list: one left out would allow what the others
 * do not. */
static int set_all_below(int mount, const struct mount_attr *attr)
{
	struct mountfd_ids ids = { 0 };
	struct arena arena = { 0 };
	struct below below = { .top = mount, .attr = attr };
	int r = mountfd_ids(mount, &ids);

	below.v = r == 0 ? list(&arena, &below.n) : NULL;
	for (size_t i = 0; i < below.n; i++)
		if (below.v[i].id == ids.id)
			below.target = below.v[i].target;
	r = below.target ? set_below(&below, ids.id) : compat_irreplaceable(COMPAT_MOUNT_SETATTR);
	arena_free(&arena);
	return r;
}

/* Whether the mount is missing from this namespace's list. */
static bool is_detached(int mount)
{
	struct mountfd_ids ids = { 0 };
	struct arena arena = { 0 };
	bool detached = mountfd_ids(mount, &ids) == 0;
	size_t n;
	struct listed *v = list(&arena, &n);

	detached &= n > 0;
	for (size_t i = 0; i < n; i++)
		detached &= v[i].id != ids.id;
	arena_free(&arena);
	return detached;
}

static int set_classic(int mount, const struct mount_attr *attr, bool recursive)
{
	int r = 0;

	if (attr->propagation)
		r = change(mount, attr->propagation | (recursive ? MS_REC : 0UL));
	if (r < 0 || !(attr->attr_set | attr->attr_clr))
		return r;
	r = set_own(mount, attr);
	return r == 0 && recursive ? set_all_below(mount, attr) : r;
}

static int attach(int mount, int target, const char *name, unsigned int flags, bool *ret_there)
{
	int r = compat_result(COMPAT_MOVE_MOUNT, syscall(SYS_move_mount, mount, "", target, name,
							 flags | MOVE_MOUNT_F_EMPTY_PATH));

	if (r == -ENOSYS)
		r = compat_or_name(COMPAT_MOVE_MOUNT, stage_move(mount, target, name));
	*ret_there = r == 0;
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < n_pending; i++)
		if (pending[i].mount == mount)
			r = set_classic(mount, &pending[i].attr, pending[i].recursive);
	forget(mount);
	return r;
}

int mountfd_attach(int mount, int target)
{
	bool there;

	return mountfd_attach_at(mount, target, "", &there);
}

int mountfd_attach_at(int mount, int dir, const char *name, bool *ret_there)
{
	return attach(mount, dir, name, *name ? 0 : MOVE_MOUNT_T_EMPTY_PATH, ret_there);
}

static int set_attr(int mount, struct mount_attr *attr, bool recursive)
{
	unsigned int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);

	return compat_result(COMPAT_MOUNT_SETATTR,
			     syscall(SYS_mount_setattr, mount, "", flags, attr, sizeof(*attr)));
}

int mountfd_set_attr(int mount, uint64_t set, uint64_t clear, unsigned long propagation,
		     bool recursive)
{
	struct mount_attr attr = {
		.attr_set = set,
		.attr_clr = clear,
		.propagation = propagation,
	};
	int r;

	if (!set && !clear && !propagation)
		return 0;
	r = compat_is_missing(COMPAT_MOUNT_SETATTR) ? -ENOSYS : set_attr(mount, &attr, recursive);
	if (r != -ENOSYS)
		return r;
	r = set_classic(mount, &attr, recursive);
	/* Newer kernels (seen with 6.18) answer EPERM for a detached mount created outside our user
	 * namespace. */
	if (r == -EPERM && is_detached(mount))
		r = -EINVAL;
	return r == -EINVAL && !is_no_root(mount) ? defer(mount, &attr, recursive) : r;
}

int mountfd_seal(int mount)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE };

	return set_attr(mount, &attr, false);
}

int mountfd_set_idmap(int mount, int userns, bool recursive)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)userns,
	};

	if (compat_is_missing(COMPAT_OPEN_TREE)) /* the kernel maps only detached mounts */
		return compat_irreplaceable(COMPAT_OPEN_TREE);
	return compat_or_name(COMPAT_MOUNT_SETATTR, set_attr(mount, &attr, recursive));
}

int mountfd_pivot_to_cwd(void)
{
	stage_end(); /* from here on /proc is the container's */
	return syscall(SYS_pivot_root, ".", ".") < 0 ? -errno : 0;
}

int mountfd_move_cwd_to_root(void)
{
	stage_end();
	return mount(".", "/", NULL, MS_MOVE, NULL) < 0 ? -errno : 0;
}
