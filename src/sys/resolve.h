/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of the container are hostile: symbolic links may point anywhere, and may be swapped while
 * we look. They are opened here and nowhere else, once, inside the root (openat2 with
 * RESOLVE_IN_ROOT and no magic links, or the same by hand where it is missing), and used by
 * descriptor. Stops CVE-2021-30465, CVE-2024-45310, CVE-2019-18837. */
#pragma once

#include "src/base/err.h"

#include <stdint.h>
#include <sys/types.h>

/* Opens path inside the root with open(2) flags; O_CLOEXEC is added. >= 0 or -errno, no text. */
int resolve_open(int root, const char *path, int flags);

/* The same for a path that must neither contain a symbolic link nor leave dir. */
int resolve_beneath(int dir, const char *path, int flags);

/* The same, without crossing to another mount either. */
int resolve_on_mount(int dir, const char *path, int flags);

/* Opens a directory inside the root with O_PATH, creating missing components with mode 0755. */
int resolve_mkdir(int root, const char *path, struct err *err) MUST_CHECK;

/* Opens the deepest existing directory of path with O_PATH; *ret_missing is the rest, for
 * resolve_make_below() to create. -ELOOP if a dangling link leads there. No text. */
int resolve_deepest(int root, const char *path, const char **ret_missing);
int resolve_make_below(int dir, const char *missing); /* takes dir */

/* Opens the directory that contains path, creating it if missing; *ret_name is the last
 * component. */
int resolve_parent(int root, const char *path, const char **ret_name, struct err *err) MUST_CHECK;

/* Opens a directory or file with O_PATH, creating it (empty) and its parents if missing. A dangling
 * link on the way leads to a place inside the root, which is created. */
int resolve_make(int root, const char *path, bool want_dir, struct err *err) MUST_CHECK;

/* Opens the directory or (want_dir false) the file to mount on with O_PATH, creating it and its
 * parents if missing. follow false: does not follow the last component. */
int resolve_mount_point(int root, const char *path, bool want_dir, bool follow,
			struct err *err) MUST_CHECK;

/* openat2(2) by hand, component by component, with these flags and RESOLVE_* (IN_ROOT or BENEATH,
 * always NO_MAGICLINKS), but without O_CREAT. Handles paths up to RESOLVE_WALK_DEPTH directories
 * deep. >= 0 or -errno. */
enum { RESOLVE_WALK_DEPTH = 128 };
int resolve_walk(int root, const char *path, int flags, uint64_t resolve);

/* -EPERM if the working directory has no path below the root, because it was entered through a
 * descriptor of the host (CVE-2024-21626). */
int resolve_check_cwd(struct err *err) MUST_CHECK;

/* Renames a file within a directory, to a name that is free: -EEXIST. -EINVAL, -ENOSYS: the file
 * system, or the kernel, cannot do both at once. */
int resolve_rename_new(int dir, const char *from, const char *to);
