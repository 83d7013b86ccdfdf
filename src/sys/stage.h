/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts by mount(2), for mountfd.c, where the calls for detached mounts are refused (a filter
 * around us, a kernel before 5.2). In place of a detached mount there is one attached where nobody
 * looks, which is then moved to its place. This needs a mount namespace of our own, from which
 * nothing propagates to others, and a /proc that no container could write: from stage_begin() to
 * stage_end(). Nothing is mounted before it is needed. All return >= 0 or -errno: -ENOSYS if it
 * cannot be done in this way. */
#pragma once

#include <stdbool.h>

void stage_begin(void);
bool stage_is_set(void);
void stage_end(void); /* unmounts what is still there */

/* Declares the type of the file system context fs, or of a stand-in if fs is an error. Its options
 * are recorded: for one context at a time, the last. */
int stage_fs(int fs, const char *type);
void stage_fs_set(int fs, const char *key, const char *value);
int stage_fs_mount(int fs, unsigned long flags);
void stage_fs_forget(int fs); /* the number now refers to another's context */

/* A copy of the tree at a descriptor. */
int stage_copy(int from, bool recursive);

/* Moves a mount, also a detached one, to dir, or to the directory of this name in it. */
int stage_move(int from, int dir, const char *name);

/* A superblock flag, such as "sync", as one of mount(2)'s; 0: it is data. */
unsigned long stage_super_flag(const char *key);
