/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/compat.h"

#include "src/base/err.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static const struct {
	long number;
	char name[20], since[8];
	bool replaced; /* the caller has a replacement, so errors never name it */
	bool mounts;   /* the kernel first checks whether the caller may mount at all */
} calls[COMPAT_COUNT] = {
	[COMPAT_CLONE3] = { SYS_clone3, "clone3", "5.3", .replaced = true },
	[COMPAT_OPENAT2] = { SYS_openat2, "openat2", "5.6", .replaced = true },
	[COMPAT_EXECVEAT] = { SYS_execveat, "execveat", "3.19", .replaced = true },
	[COMPAT_MEMFD_CREATE] = { SYS_memfd_create, "memfd_create", "3.17" },
	[COMPAT_PIDFD_OPEN] = { SYS_pidfd_open, "pidfd_open", "5.3", .replaced = true },
	[COMPAT_PIDFD_SEND_SIGNAL] = { SYS_pidfd_send_signal, "pidfd_send_signal", "5.1",
				       .replaced = true },
	[COMPAT_FSOPEN] = { SYS_fsopen, "fsopen", "5.2", .replaced = true, .mounts = true },
	[COMPAT_FSCONFIG] = { SYS_fsconfig, "fsconfig", "5.2", .replaced = true },
	[COMPAT_FSMOUNT] = { SYS_fsmount, "fsmount", "5.2", .replaced = true, .mounts = true },
	[COMPAT_FSPICK] = { SYS_fspick, "fspick", "5.2", .mounts = true },
	[COMPAT_OPEN_TREE] = { SYS_open_tree, "open_tree", "5.2", .replaced = true },
	[COMPAT_MOVE_MOUNT] = { SYS_move_mount, "move_mount", "5.2", .replaced = true,
				.mounts = true },
	[COMPAT_MOUNT_SETATTR] = { SYS_mount_setattr, "mount_setattr", "5.12", .replaced = true },
};

static enum { UNKNOWN, THERE, MISSING } found[COMPAT_COUNT];

/* EPERM for invalid arguments comes from a filter: the kernel would answer EINVAL. */
static bool is_filtered(enum compat_call call)
{
	if (syscall(calls[call].number, -1L, -1L, -1L, -1L, -1L, -1L) >= 0 || errno != EPERM)
		return false;
	if (!calls[call].mounts)
		return true;
	/* An older call with the same initial check. */
	return syscall(SYS_pivot_root, -1L, -1L) < 0 && errno != EPERM;
}

int compat_irreplaceable(enum compat_call call)
{
	struct utsname host;

	err_name_missing(calls[call].name, calls[call].since,
			 uname(&host) == 0 ? host.release : "unknown");
	return -ENOSYS;
}

int compat_or_name(enum compat_call call, int r)
{
	return r == -ENOSYS ? compat_irreplaceable(call) : r;
}

int compat_result(enum compat_call call, long result)
{
	int error = errno;

	if (result >= 0) {
		found[call] = THERE;
		return (int)result;
	}
	if (error == EPERM && found[call] == UNKNOWN)
		found[call] = is_filtered(call) ? MISSING : THERE;
	if (error == ENOSYS)
		found[call] = MISSING;
	if (found[call] != MISSING || (error != EPERM && error != ENOSYS))
		return -error;
	return calls[call].replaced ? -ENOSYS : compat_irreplaceable(call);
}

int compat_access(const char *path, int mode)
{
	if (faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0)
		return 0;
	if (errno != EPERM && errno != ENOSYS)
		return -errno;
	return faccessat(AT_FDCWD, path, mode, 0) < 0 ? -errno : 0;
}

bool compat_is_missing(enum compat_call call)
{
	return found[call] == MISSING;
}

bool compat_missing(char *buf, size_t size)
{
	size_t len = 0;

	for (int i = 0; i < COMPAT_COUNT; i++)
		if (found[i] == MISSING && len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "",
						calls[i].name);
	return len > 0;
}
