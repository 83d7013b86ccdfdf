/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/mountfd.h"

#include "src/base/arena.h"
#include "src/base/fd.h"
#include "src/sys/compat.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* mount(2), in place of mount_setattr(), changes what is attached in the own mount namespace alone:
 * the rest waits here for its mountfd_attach(). */
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

/* A number that was another mount's, which was never attached. */
static int fresh(int mount)
{
	if (mount >= 0)
		forget(mount);
	return mount;
}

int mountfd_fs_open(const char *type)
{
	return compat_result(COMPAT_FSOPEN, syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
}

int mountfd_fs_set(int fs, const char *key, const char *value)
{
	unsigned int command = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

	return compat_result(COMPAT_FSCONFIG, syscall(SYS_fsconfig, fs, command, key, value, 0));
}

int mountfd_fs_create(int fs)
{
	return compat_result(COMPAT_FSCONFIG,
			     syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
}

int mountfd_fs_mount(int fs, uint64_t attrs)
{
	return fresh(compat_result(COMPAT_FSMOUNT,
				   syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, (unsigned int)attrs)));
}

int mountfd_fs_pick(int mount)
{
	return compat_result(COMPAT_FSPICK,
			     syscall(SYS_fspick, mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH));
}

int mountfd_fs_reconfigure(int fs)
{
	return compat_result(COMPAT_FSCONFIG,
			     syscall(SYS_fsconfig, fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
}

void mountfd_fs_message(int fs, char *buf, size_t size)
{
	ssize_t n = read(fs, buf, size - 1);

	buf[n > 0 ? n : 0] = '\0';
}

int mountfd_clone(int dirfd, const char *path, bool recursive, bool follow)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

	if (!*path)
		flags |= AT_EMPTY_PATH;
	if (recursive)
		flags |= AT_RECURSIVE;
	if (!follow)
		flags |= AT_SYMLINK_NOFOLLOW;
	return fresh(compat_result(COMPAT_OPEN_TREE, syscall(SYS_open_tree, dirfd, path, flags)));
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
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, unique, &st) == 0 && (st.stx_mask & unique))
		ret->unique = st.stx_mnt_id;
	return 0;
}

/* Something inside of a mount, which no attach is to come for. */
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

/* A directory by itself, whatever /proc there is: after the pivot it is the container's. */
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
	if (r == -EPERM) /* locked by the host: what protects may still be added */
		r = remount(mount, now | (attr->attr_set & ~access_times));
	return r;
}

struct listed {
	unsigned long long id, parent;
	char *target;
};

/* In place, what a list of mounts has for blanks and the like. */
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

/* All mounts that this process can see; NULL where it cannot. */
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

	/* Another lies on it, or it cannot be reached. */
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
		if (strlen(b->v[i].target) <= len + 1) /* on the mount itself */
			return compat_irreplaceable(COMPAT_MOUNT_SETATTR);
		r = set_listed(b->top, path, b->v[i].id, b->attr);
		if (r == 0)
			r = set_below(b, b->v[i].id);
	}
	return r;
}

/* One by one, by the kernel's list: one that is left out would allow what the others do not. */
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

	int r = set_attr(mount, &attr, recursive);

	return r == -ENOSYS ? compat_irreplaceable(COMPAT_MOUNT_SETATTR) : r;
}

int mountfd_pivot_to_cwd(void)
{
	return syscall(SYS_pivot_root, ".", ".") < 0 ? -errno : 0;
}

int mountfd_new_empty(void)
{
	_cleanup_close_ int fs = mountfd_fs_open("tmpfs");
	int r = fs < 0 ? fs : mountfd_fs_set(fs, "nr_inodes", "1");

	if (r == 0)
		r = mountfd_fs_set(fs, "mode", "555");
	if (r == 0)
		r = mountfd_fs_create(fs);
	if (r < 0)
		return r;
	return mountfd_fs_mount(fs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					    MOUNT_ATTR_NOEXEC);
}
