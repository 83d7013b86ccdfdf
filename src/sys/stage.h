/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts by mount(2), for mountfd.c, where the calls for detached ones are refused (a filter around
 * us, a kernel before 5.2). What stands for a detached mount is one that is attached where nobody
 * looks, to be moved from there to its place. That takes a mount namespace of our own, from which
 * nothing propagates to others, and a /proc that no container could write: from stage_begin() to
 * stage_end(). Nothing is mounted before it is needed. All return >= 0 or -errno: -ENOSYS where it
 * cannot be done in this way. */
#pragma once

#include <stdbool.h>

void stage_begin(void);
bool stage_is_set(void);
void stage_end(void); /* what is still there goes */

/* The file system context fs, or one that stands for it where that is an error, is of this type.
 * What it is told is kept: of one context, the last. */
int stage_fs(int fs, const char *type);
void stage_fs_set(int fs, const char *key, const char *value);
int stage_fs_mount(int fs, unsigned long flags);
void stage_fs_forget(int fs); /* a number that has become another's context */

/* A copy of the tree at a descriptor. */
int stage_copy(int from, bool recursive);

/* Moves a mount, a detached one too, to dir, or to the directory that has this name in it. */
int stage_move(int from, int dir, const char *name);

/* A flag of a superblock, such as "sync", as one of mount(2); 0: it is data. */
unsigned long stage_super_flag(const char *key);
