/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of newer kernels, as they are met: missing from an older one, or refused by a filter around
 * us (systemd's RestrictNamespaces=, Docker's default profile, gVisor). Nothing is asked before a
 * call has failed. */
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

/* What syscall() has returned, as >= 0 or -errno. -ENOSYS: there is no such call here, whether the
 * answer was ENOSYS or the EPERM of a filter; err_errno() then says which call it was, unless it is
 * one with a replacement. */
int compat_result(enum compat_call call, long result);

/* -ENOSYS, for which err_errno() names this call: its replacement cannot do what is asked. */
int compat_irreplaceable(enum compat_call call);
int compat_or_name(enum compat_call call, int r); /* the same of -ENOSYS, else r */

/* Whether the call has been found missing, so that it need not be tried. */
bool compat_is_missing(enum compat_call call);

/* access(2) for the effective ids. Where faccessat2() is refused it is asked for the real ones,
 * which are the same: usrun is never setuid. 0 or -errno. */
int compat_access(const char *path, int mode);

/* The names of those that have been found missing, "clone3, openat2". false: none. */
bool compat_missing(char *buf, size_t size);
