/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts with mount(2), for mountfd.c, where the calls for detached mounts are refused (a filter
 * around us, or a kernel before 5.2). A mount attached where nobody looks stands in for a detached
 * one, and is then moved into place. This needs a mount namespace of our own, from which nothing
 * propagates to others, and a /proc that no container could write: from stage_begin() to
 * stage_end(). Nothing is mounted before it is needed. All functions return >= 0 or -errno: -ENOSYS
 * if it cannot be done this way. */
#pragma once

#include "src/base/str.h"

#include <stdbool.h>

void stage_begin(void);
bool stage_is_set(void);
void stage_end(void); /* unmounts what is left */

/* Sets the type of the file system context fs, or of a stand-in if fs is an error. Options are
 * recorded for one context at a time, the last. */
int stage_fs(int fs, const char *type);
void stage_fs_set(int fs, const char *key, const char *value);
int stage_fs_mount(int fs, unsigned long flags);
void stage_fs_forget(int fs); /* it is mounted, or the number belongs to another context now */

/* Copies the tree at a descriptor. */
int stage_copy(int from, bool recursive);

/* Moves a mount, which may be detached, to dir, or to the directory of this name in it. */
int stage_move(int from, int dir, const char *name);

/* Appends an option to the data of mount(2), which separates options by commas. A label of SELinux
 * is put in quotes, which the kernel takes for these alone; false: another value has a comma. */
bool stage_option(struct str *data, const char *key, const char *value);

/* The flag of mount(2) for a superblock flag such as "sync"; 0 if it is not one but data. */
unsigned long stage_super_flag(const char *key);
