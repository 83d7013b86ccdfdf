/* SPDX-License-Identifier: Apache-2.0 */
/* The words of mounts[].options (config.md "Linux mount options"): one table, read by the planner
 * and by `features`. Pure data. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum mount_option_kind {
	MOUNT_OPTION_ATTR,           /* MOUNT_ATTR_* of this mount */
	MOUNT_OPTION_ATTR_RECURSIVE, /* MOUNT_ATTR_* of this mount and those below ("rro") */
	MOUNT_OPTION_PROPAGATION,    /* MS_SHARED and the like, with MS_REC for the r words */
	MOUNT_OPTION_SUPER,          /* a superblock flag; value_name is its fsconfig name */
	MOUNT_OPTION_BIND,           /* bind, rbind (value: 0 or MS_REC) */
	MOUNT_OPTION_REMOUNT,
	MOUNT_OPTION_IGNORED,   /* defaults, loud, silent, nomand and the like: nothing to do */
	MOUNT_OPTION_EXTENSION, /* enum mount_extension in value */
};

enum mount_extension {
	MOUNT_EXT_TMPCOPYUP = 1 << 0,
	MOUNT_EXT_IDMAP = 1 << 1,
	MOUNT_EXT_RIDMAP = 1 << 2,
	MOUNT_EXT_COPY_SYMLINK = 1 << 3,
	MOUNT_EXT_SRC_NOFOLLOW = 1 << 4,
	MOUNT_EXT_DEST_NOFOLLOW = 1 << 5,
	MOUNT_EXT_SCRATCH = 1 << 6,
	MOUNT_EXT_SQUASH = 1 << 7, /* scratch, with all files owned by the process's user */
};

struct mount_option {
	char name[20]; /* an array: a pointer would be relocated at every start */
	enum mount_option_kind kind;
	uint64_t set, clear; /* ATTR kinds: MOUNT_ATTR_* bits; clear includes MOUNT_ATTR__ATIME if
			      * an access-time mode is chosen */
	unsigned long value; /* other kinds */
	char value_name[12]; /* SUPER: "sync", "dirsync", "lazytime", "mand" and the like */
	bool value_off;      /* SUPER: the word clears the flag ("async") */
};

/* Ends with an empty name. */
extern const struct mount_option mount_options[];

/* NULL for a word that is file system data ("size=64k"). Words with a value after "=" match by name
 * alone if the kind in the table is EXTENSION ("idmap=uids=0-1-10"). */
const struct mount_option *mount_options_find(const char *word);
