/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/sys/compat.h"
#include "src/sys/mountfd.h"
#include "src/sys/stage.h"

#include <sys/syscall.h>
#include <unistd.h>

/* The call to report as missing if a file system is staged. */
static enum compat_call missing_fs_call(void)
{
	return compat_is_missing(COMPAT_FSOPEN)     ? COMPAT_FSOPEN
	       : compat_is_missing(COMPAT_FSCONFIG) ? COMPAT_FSCONFIG
						    : COMPAT_FSMOUNT;
}

int mountfd_fs_open(const char *type)
{
	int fs = compat_result(COMPAT_FSOPEN, syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));

	if (fs >= 0 || fs == -ENOSYS)
		fs = stage_fs(fs, type);
	return compat_or_name(COMPAT_FSOPEN, fs);
}

void mountfd_fs_received(int fs)
{
	stage_fs_forget(fs);
}

/* 0 if it is staged: mount(2) takes all options at once. */
static int config(int fs, unsigned int command, const char *key, const char *value)
{
	int r = -ENOSYS;

	if (!compat_is_missing(COMPAT_FSOPEN))
		r = compat_result(COMPAT_FSCONFIG,
				  syscall(SYS_fsconfig, fs, command, key, value, 0));
	if (r == -ENOSYS && stage_is_set() && command != FSCONFIG_CMD_RECONFIGURE)
		return 0;
	return compat_or_name(missing_fs_call(), r);
}

int mountfd_fs_set(int fs, const char *key, const char *value)
{
	stage_fs_set(fs, key, value);
	return config(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value);
}

int mountfd_fs_create(int fs)
{
	return config(fs, FSCONFIG_CMD_CREATE, NULL, NULL);
}

/* MS_RDONLY would apply to the superblock; but where the host's /proc or /sys is locked read-only,
 * a user namespace can mount no other kind. */
static int mount_staged(int fs, uint64_t attrs)
{
	uint64_t readonly = attrs & MOUNT_ATTR_RDONLY;
	_cleanup_close_ int mount = stage_fs_mount(fs, mountfd_classic_flags(attrs & ~readonly));
	int r;

	if (mount == -EPERM && readonly)
		mount = stage_fs_mount(fs, mountfd_classic_flags(attrs));
	r = mount < 0 ? mount : mountfd_set_attr(mount, readonly, 0, 0, false);
	return r < 0 ? compat_or_name(missing_fs_call(), r) : fd_take(&mount);
}

int mountfd_fs_mount(int fs, uint64_t attrs)
{
	int r = -ENOSYS;

	if (!compat_is_missing(COMPAT_FSOPEN) && !compat_is_missing(COMPAT_FSCONFIG))
		r = compat_result(COMPAT_FSMOUNT,
				  syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, (unsigned int)attrs));
	if (r == -ENOSYS)
		r = mount_staged(fs, attrs);
	if (r >= 0)
		stage_fs_forget(fs);
	return mountfd_fresh(r);
}

int mountfd_fs_pick(int mount)
{
	return compat_result(COMPAT_FSPICK,
			     syscall(SYS_fspick, mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH));
}

int mountfd_fs_reconfigure(int fs)
{
	return config(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL);
}

void mountfd_fs_message(int fs, char *buf, size_t size)
{
	ssize_t n = read(fs, buf, size - 1);

	buf[n > 0 ? n : 0] = '\0';
}

int mountfd_fs_empty(const char *key, const char *value)
{
	_cleanup_close_ int fs = mountfd_fs_open("tmpfs");
	int r = fs < 0 ? fs : mountfd_fs_set(fs, "nr_inodes", "1");

	if (r == 0)
		r = mountfd_fs_set(fs, "mode", "555");
	if (r == 0 && key)
		r = mountfd_fs_set(fs, key, value);
	if (r == 0)
		r = mountfd_fs_create(fs);
	if (r < 0)
		return r;
	return mountfd_fs_mount(fs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					    MOUNT_ATTR_NOEXEC);
}
