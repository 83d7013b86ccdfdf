/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor-based mount calls (Linux 5.2 to 5.12). All functions return >= 0 or -errno,
 * without a text, because only the caller knows the names that the user knows. Where the calls are
 * refused, stage.h replaces them, from mountfd_isolate() until the root is changed. */
#pragma once

#include "src/base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>

#ifndef MOUNT_ATTR_RDONLY /* for musl; glibc's two headers conflict */
#include <linux/mount.h>
#endif

/* A new file system context: open it (or receive it from another process), configure, create,
 * mount. */
int mountfd_fs_open(const char *type);
void mountfd_fs_received(int fs);
int mountfd_fs_set(int fs, const char *key, const char *value); /* value NULL sets a flag */
int mountfd_fs_create(int fs);
int mountfd_fs_mount(int fs, uint64_t attrs); /* returns a detached mount */

/* A detached mount of an empty directory in which nothing can be created; key NULL: without an
 * option. */
int mountfd_fs_empty(const char *key, const char *value);

/* Opens a mount's file system for reconfiguration. */
int mountfd_fs_pick(int mount);
int mountfd_fs_reconfigure(int fs);

/* The kernel's message about the last failure on a context ("tmpfs: Bad value for 'size'"), or
 * "". */
void mountfd_fs_message(int fs, char *buf, size_t size);

/* A detached copy of the tree at dirfd/path (path "" for dirfd itself). */
int mountfd_clone(int dirfd, const char *path, bool recursive, bool follow);

/* Says that this mount namespace is ours alone, and that mountfd_isolate() will follow, which makes
 * its mounts slaves. */
void mountfd_enter_own(void);
int mountfd_isolate(void);

/* Takes a copy of a tree early. Where open_tree() is refused and the namespace is our own, opens
 * just the file, for inspection, and mountfd_complete() turns it into the copy, under the same
 * number, after mountfd_isolate(). mountfd_complete() returns 1 then, 0 if it was a copy
 * already. */
int mountfd_take(int dirfd, const char *path, bool recursive, bool follow);
int mountfd_complete(int taken, bool recursive);
bool mountfd_is_complete(void);

/* Passes on the descriptor of a new mount, whose number may have belonged to one that was never
 * attached. */
int mountfd_fresh(int mount);

/* Whether two files are on the same mount; false if that is unknown. */
bool mountfd_is_same(int a, int b);

/* Ids of the mount that a file is on. The first is mountinfo's and may be reused; the second never
 * is, and is 0 before Linux 6.8. */
struct mountfd_ids {
	uint64_t id, unique;
};
int mountfd_ids(int fd, struct mountfd_ids *ret);

/* Attaches a mount at the target descriptor. */
int mountfd_attach(int mount, int target);

/* Attaches a directory to the directory of this name (one component, never a link) in dir. An empty
 * name means dir itself, or the file that it is. *ret_there: it is attached, even if its flags
 * could not be set afterwards. */
int mountfd_attach_at(int mount, int dir, const char *name, bool *ret_there);

/* Sets and clears MOUNT_ATTR_* and, when not 0, sets the propagation MS_PRIVATE and the like of a
 * mount that is attached or will be. Where mount_setattr() is missing, mount(2) replaces it, for a
 * detached mount when mountfd_attach() attaches it; the attributes of a tree can then be changed
 * only while nothing is mounted below its root. */
int mountfd_set_attr(int mount, uint64_t set, uint64_t clear, unsigned long propagation,
		     bool recursive);

/* Makes a mount that stays detached private and read-only. */
int mountfd_seal(int mount);

/* Converts MOUNT_ATTR_* to the flags of mount(2). */
unsigned long mountfd_classic_flags(uint64_t attrs);

/* Maps the owners of a detached mount through a user namespace. */
int mountfd_set_idmap(int mount, int userns, bool recursive);

/* pivot_root(2): the working directory becomes the root, with the old root stacked on it. */
int mountfd_pivot_to_cwd(void);

/* Moves the working directory, a mount, onto /. */
int mountfd_move_cwd_to_root(void);
