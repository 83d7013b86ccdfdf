/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of newer kernels, probed on use: an older kernel lacks them, or a filter around us
 * refuses them (systemd's RestrictNamespaces=, Docker's default profile, gVisor). Nothing is probed
 * until a call fails. */
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

/* Turns the result of syscall() into >= 0 or -errno. -ENOSYS means that the call is not available,
 * whether the answer was ENOSYS or a filter's EPERM; err_errno() then names it, unless it has a
 * replacement. */
int compat_result(enum compat_call call, long result);

/* Returns -ENOSYS and lets err_errno() name this call, because its replacement cannot do the
 * job. */
int compat_irreplaceable(enum compat_call call);
int compat_or_name(enum compat_call call, int r); /* the same if r is -ENOSYS, otherwise r */

/* Whether the call is known to be missing, so that it need not be tried. */
bool compat_is_missing(enum compat_call call);

/* access(2) for the effective ids. If faccessat2() is refused, checks the real ids, which are the
 * same, because usrun is never setuid. 0 or -errno. */
int compat_access(const char *path, int mode);

/* Lists the calls found missing: "clone3, openat2". false if there are none. */
bool compat_missing(char *buf, size_t size);
