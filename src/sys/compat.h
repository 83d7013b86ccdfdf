/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of newer kernels, probed on use: missing from an older kernel, or refused by a
 * filter around us (systemd's RestrictNamespaces=, Docker's default profile, gVisor). Nothing is
 * probed before a call has failed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum compat_call {
	COMPAT_CLONE3,
	COMPAT_OPENAT2,
	COMPAT_EXECVEAT,
	COMPAT_MEMFD_CREATE,
	COMPAT_PIDFD_OPEN,
	COMPAT_PIDFD_SEND_SIGNAL,
	COMPAT_FSOPEN,
	COMPAT_FSCONFIG,
	COMPAT_FSMOUNT,
	COMPAT_FSPICK,
	COMPAT_OPEN_TREE,
	COMPAT_MOVE_MOUNT,
	COMPAT_MOUNT_SETATTR,
	COMPAT_COUNT
};

/* The result of syscall(), as >= 0 or -errno. -ENOSYS: the call is not available, whether the
 * answer was ENOSYS or a filter's EPERM; err_errno() then names it, unless it has a replacement. */
int compat_result(enum compat_call call, long result);

/* -ENOSYS, for which err_errno() names this call: its replacement cannot do this. */
int compat_irreplaceable(enum compat_call call);
int compat_or_name(enum compat_call call, int r); /* the same for -ENOSYS, otherwise r */

/* Whether the call has been found missing, so that it need not be tried. */
bool compat_is_missing(enum compat_call call);

/* access(2) for the effective ids. If faccessat2() is refused it checks the real ids, which are the
 * same: usrun is never setuid. 0 or -errno. */
int compat_access(const char *path, int mode);

/* The names of those found missing, "clone3, openat2". false: none. */
bool compat_missing(char *buf, size_t size);
