/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor-based mount calls (Linux 5.2 to 5.12). All return >= 0 or -errno, without a text:
 * the caller knows the names the user knows. Where they are refused, stage.h stands in for them
 * from mountfd_isolate() until the root is changed. */
#pragma once

#include "src/base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>

#ifndef MOUNT_ATTR_RDONLY /* musl; glibc's two headers conflict */
#include <linux/mount.h>
#endif

/* A new file system context: open (or receive from another process), configure, create, mount. */
int mountfd_fs_open(const char *type);
void mountfd_fs_received(int fs);
int mountfd_fs_set(int fs, const char *key, const char *value); /* value NULL: a flag */
int mountfd_fs_create(int fs);
int mountfd_fs_mount(int fs, uint64_t attrs); /* a detached mount */

/* A new empty directory in which nothing can be created: a detached mount. */
int mountfd_fs_empty(void);

/* The file system of a mount, for reconfiguration. */
int mountfd_fs_pick(int mount);
int mountfd_fs_reconfigure(int fs);

/* The kernel's words about the last failure on a context ("tmpfs: Bad value for 'size'"), or "". */
void mountfd_fs_message(int fs, char *buf, size_t size);

/* A detached copy of the tree at dirfd/path ("" for dirfd itself). */
int mountfd_clone(int dirfd, const char *path, bool recursive, bool follow);

/* This mount namespace is ours alone, and mountfd_isolate() will follow: its mounts become
 * slaves. */
void mountfd_enter_own(void);
int mountfd_isolate(void);

/* A copy of a tree that is taken early; where open_tree() is refused and the namespace is our own
 * only the file itself, to be looked at, of which mountfd_complete() makes the copy, with the same
 * number, after mountfd_isolate(): 1; 0: it is one. */
int mountfd_take(int dirfd, const char *path, bool recursive, bool follow);
int mountfd_complete(int taken, bool recursive);
bool mountfd_is_complete(void);

/* The descriptor of a new mount, whose number may have belonged to one that was never attached. */
int mountfd_fresh(int mount);

/* Whether two files are on the same mount; false if that cannot be determined. */
bool mountfd_is_same(int a, int b);

/* Ids of the mount that a file is on. The first is that of mountinfo and may be reused; the second
 * never is, and is 0 before Linux 6.8. */
struct mountfd_ids {
	uint64_t id, unique;
};
int mountfd_ids(int fd, struct mountfd_ids *ret);

/* Attaches a mount at the target descriptor. */
int mountfd_attach(int mount, int target);

/* Attaches a directory at the directory that has this name (one component) in dir; at no link.
 * An empty name: at dir itself, or the file that it is. *ret_there: it is attached, also where its
 * flags could not be set then. */
int mountfd_attach_at(int mount, int dir, const char *name, bool *ret_there);

/* Sets and clears MOUNT_ATTR_* and, when not 0, the propagation MS_PRIVATE … of a mount that is
 * attached or will be: where mount_setattr() is missing, mount(2) does it, and of a detached one
 * once mountfd_attach() has attached it. Then attributes of a tree can be changed only while
 * nothing is mounted below its root. */
int mountfd_set_attr(int mount, uint64_t set, uint64_t clear, unsigned long propagation,
		     bool recursive);

/* Makes a mount private and read-only, for one that stays detached. */
int mountfd_seal(int mount);

/* MOUNT_ATTR_* as flags of mount(2). */
unsigned long mountfd_classic_flags(uint64_t attrs);

/* Maps the owners of a detached mount through a user namespace. */
int mountfd_set_idmap(int mount, int userns, bool recursive);

/* pivot_root(2): the current directory becomes the root, the old root is stacked on it. */
int mountfd_pivot_to_cwd(void);

/* The working directory, a mount, lies on / from now on. */
int mountfd_move_cwd_to_root(void);
