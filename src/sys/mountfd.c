/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/mountfd.h"

#include "src/base/fd.h"
#include "src/sys/compat.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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
	return compat_result(COMPAT_FSMOUNT,
			     syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, (unsigned int)attrs));
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
	return compat_result(COMPAT_OPEN_TREE, syscall(SYS_open_tree, dirfd, path, flags));
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

int mountfd_attach(int mount, int target)
{
	return compat_result(COMPAT_MOVE_MOUNT,
			     syscall(SYS_move_mount, mount, "", target, "",
				     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
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

	if (!set && !clear && !propagation)
		return 0;
	return set_attr(mount, &attr, recursive);
}

int mountfd_set_idmap(int mount, int userns, bool recursive)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)userns,
	};

	return set_attr(mount, &attr, recursive);
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
