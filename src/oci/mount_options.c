/* SPDX-License-Identifier: Apache-2.0 */
/* The words of config.md, and those that crun and runc accept in addition. Words such as acl and
 * noacl, whose meaning one file system decides, are not here. */
#include "src/oci/mount_options.h"

#include <linux/mount.h>
#include <stddef.h>
#include <string.h>

#define ATTR(word, bit)                                                                            \
	{                                                                                          \
		.name = word, .kind = MOUNT_OPTION_ATTR, .set = (bit)                              \
	}
#define ATTR_OFF(word, bit)                                                                        \
	{                                                                                          \
		.name = word, .kind = MOUNT_OPTION_ATTR, .clear = (bit)                            \
	}
#define RECURSIVE(word, bit)                                                                       \
	{                                                                                          \
		.name = word, .kind = MOUNT_OPTION_ATTR_RECURSIVE, .set = (bit)                    \
	}
#define RECURSIVE_OFF(word, bit)                                                                   \
	{                                                                                          \
		.name = word, .kind = MOUNT_OPTION_ATTR_RECURSIVE, .clear = (bit)                  \
	}

/* The access-time modes are numbers in a field of several bits, relatime being 0. To choose one,
 * the kernel requires the whole field to be cleared first; for "relatime" that is all. */
#define ATIME(word, kind_, mode)                                                                   \
	{                                                                                          \
		.name = word, .kind = (kind_), .set = (mode), .clear = MOUNT_ATTR__ATIME           \
	}
/* Undoes a mode that is not a bit, and is the kernel's default: changes nothing. */
#define ATIME_NONE(word, kind_)                                                                    \
	{                                                                                          \
		.name = word, .kind = (kind_)                                                      \
	}

#define PROPAGATION(word, flag)                                                                    \
	{                                                                                          \
		.name = word, .kind = MOUNT_OPTION_PROPAGATION, .value = (flag)                    \
	}
#define SUPER(word, flag, off)                                                                     \
	{                                                                                          \
		.name = word, .kind = MOUNT_OPTION_SUPER, .value_name = flag, .value_off = (off)   \
	}
#define IGNORED(word)                                                                              \
	{                                                                                          \
		.name = word, .kind = MOUNT_OPTION_IGNORED                                         \
	}
#define EXTENSION(word, flag)                                                                      \
	{                                                                                          \
		.name = word, .kind = MOUNT_OPTION_EXTENSION, .value = (flag)                      \
	}

const struct mount_option mount_options[] = {
	/* Most frequent first, because the search is linear. */
	{ .name = "bind", .kind = MOUNT_OPTION_BIND },
	{ .name = "rbind", .kind = MOUNT_OPTION_BIND, .value = MS_REC },
	ATTR("ro", MOUNT_ATTR_RDONLY),
	ATTR("nosuid", MOUNT_ATTR_NOSUID),
	ATTR("noexec", MOUNT_ATTR_NOEXEC),
	ATTR("nodev", MOUNT_ATTR_NODEV),
	ATTR_OFF("rw", MOUNT_ATTR_RDONLY),
	PROPAGATION("rprivate", MS_PRIVATE | MS_REC),
	ATIME("relatime", MOUNT_OPTION_ATTR, MOUNT_ATTR_RELATIME),
	ATIME("strictatime", MOUNT_OPTION_ATTR, MOUNT_ATTR_STRICTATIME),
	ATIME("noatime", MOUNT_OPTION_ATTR, MOUNT_ATTR_NOATIME),
	IGNORED("defaults"),

	ATTR_OFF("suid", MOUNT_ATTR_NOSUID),
	ATTR_OFF("exec", MOUNT_ATTR_NOEXEC),
	ATTR_OFF("dev", MOUNT_ATTR_NODEV),
	ATTR("nodiratime", MOUNT_ATTR_NODIRATIME),
	ATTR_OFF("diratime", MOUNT_ATTR_NODIRATIME),
	ATTR("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW),
	ATTR_OFF("symfollow", MOUNT_ATTR_NOSYMFOLLOW),
	ATIME("atime", MOUNT_OPTION_ATTR, MOUNT_ATTR_RELATIME),
	ATIME("nostrictatime", MOUNT_OPTION_ATTR, MOUNT_ATTR_RELATIME),
	ATIME_NONE("norelatime", MOUNT_OPTION_ATTR),

	RECURSIVE("rro", MOUNT_ATTR_RDONLY),
	RECURSIVE_OFF("rrw", MOUNT_ATTR_RDONLY),
	RECURSIVE("rnosuid", MOUNT_ATTR_NOSUID),
	RECURSIVE_OFF("rsuid", MOUNT_ATTR_NOSUID),
	RECURSIVE("rnoexec", MOUNT_ATTR_NOEXEC),
	RECURSIVE_OFF("rexec", MOUNT_ATTR_NOEXEC),
	RECURSIVE("rnodev", MOUNT_ATTR_NODEV),
	RECURSIVE_OFF("rdev", MOUNT_ATTR_NODEV),
	RECURSIVE("rnodiratime", MOUNT_ATTR_NODIRATIME),
	RECURSIVE_OFF("rdiratime", MOUNT_ATTR_NODIRATIME),
	RECURSIVE("rnosymfollow", MOUNT_ATTR_NOSYMFOLLOW),
	RECURSIVE_OFF("rsymfollow", MOUNT_ATTR_NOSYMFOLLOW),
	ATIME("rrelatime", MOUNT_OPTION_ATTR_RECURSIVE, MOUNT_ATTR_RELATIME),
	ATIME("rstrictatime", MOUNT_OPTION_ATTR_RECURSIVE, MOUNT_ATTR_STRICTATIME),
	ATIME("rnoatime", MOUNT_OPTION_ATTR_RECURSIVE, MOUNT_ATTR_NOATIME),
	ATIME("ratime", MOUNT_OPTION_ATTR_RECURSIVE, MOUNT_ATTR_RELATIME),
	ATIME("rnostrictatime", MOUNT_OPTION_ATTR_RECURSIVE, MOUNT_ATTR_RELATIME),
	ATIME_NONE("rnorelatime", MOUNT_OPTION_ATTR_RECURSIVE),

	PROPAGATION("private", MS_PRIVATE),
	PROPAGATION("shared", MS_SHARED),
	PROPAGATION("slave", MS_SLAVE),
	PROPAGATION("unbindable", MS_UNBINDABLE),
	PROPAGATION("rshared", MS_SHARED | MS_REC),
	PROPAGATION("rslave", MS_SLAVE | MS_REC),
	PROPAGATION("runbindable", MS_UNBINDABLE | MS_REC),

	SUPER("sync", "sync", false),
	SUPER("async", "sync", true),
	SUPER("dirsync", "dirsync", false),
	SUPER("lazytime", "lazytime", false),
	SUPER("nolazytime", "lazytime", true),
	SUPER("mand", "mand", false),
	SUPER("nomand", "mand", true),
	/* crun's recursive words. Superblock flags apply to all mounts of a file system anyway. */
	SUPER("rsync", "sync", false),
	SUPER("rasync", "sync", true),
	SUPER("rdirsync", "dirsync", false),
	SUPER("rmand", "mand", false),
	SUPER("rnomand", "mand", true),

	{ .name = "remount", .kind = MOUNT_OPTION_REMOUNT },

	/* fsconfig() has no such words, and descriptor-based mounts print no kernel messages to
	 * silence. File systems with inode versions always have them on. */
	IGNORED("silent"),
	IGNORED("loud"),
	IGNORED("iversion"),
	IGNORED("noiversion"),

	EXTENSION("tmpcopyup", MOUNT_EXT_TMPCOPYUP),
	EXTENSION("idmap", MOUNT_EXT_IDMAP),
	EXTENSION("ridmap", MOUNT_EXT_RIDMAP),
	EXTENSION("copy-symlink", MOUNT_EXT_COPY_SYMLINK),
	EXTENSION("src-nofollow", MOUNT_EXT_SRC_NOFOLLOW),
	EXTENSION("dest-nofollow", MOUNT_EXT_DEST_NOFOLLOW),
	EXTENSION("scratch", MOUNT_EXT_SCRATCH),
	EXTENSION("squash", MOUNT_EXT_SQUASH | MOUNT_EXT_SCRATCH),
	{ .name = "" },
};

const struct mount_option *mount_options_find(const char *word)
{
	size_t len = strcspn(word, "=");

	for (const struct mount_option *option = mount_options; *option->name; option++) {
		/* The first letter rules out most of them without a call. */
		if (*option->name != *word || strncmp(option->name, word, len) != 0 ||
		    option->name[len] != '\0')
			continue;
		if (word[len] == '\0' || option->kind == MOUNT_OPTION_EXTENSION)
			return option;
	}
	return NULL;
}
