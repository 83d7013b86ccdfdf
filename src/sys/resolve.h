/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of the container are hostile: symbolic links may point anywhere, and may be exchanged while
 * we look. They are opened here and nowhere else, once, inside the root (openat2 RESOLVE_IN_ROOT,
 * no magic links; where there is no openat2, by hand), and used by descriptor. Stops
 * CVE-2021-30465, CVE-2024-45310, CVE-2019-18837. */
#pragma once

#include "src/base/err.h"

#include <stdint.h>
#include <sys/types.h>

/* Opens path inside the root with open(2) flags; O_CLOEXEC is added. >= 0 or -errno, no text. */
int resolve_open(int root, const char *path, int flags);

/* The same for a name that must not pass through any symbolic link, nor leave dir. */
int resolve_beneath(int dir, const char *path, int flags);

/* The same, without passing to another mount either. */
int resolve_on_mount(int dir, const char *path, int flags);

/* An O_PATH descriptor of a directory inside the root; missing components are created, 0755. */
int resolve_mkdir(int root, const char *path, struct err *err) MUST_CHECK;

/* An O_PATH descriptor of the deepest directory of path that is there, and what is missing of it,
 * which resolve_make_below() makes: -ELOOP where that would be where a dangling link leads to. No
 * text. */
int resolve_deepest(int root, const char *path, const char **ret_missing);
int resolve_make_below(int dir, const char *missing); /* takes dir */

/* The directory that contains path (created if missing), and in *ret_name the last component. */
int resolve_parent(int root, const char *path, const char **ret_name, struct err *err) MUST_CHECK;

/* Makes a directory or an empty file that is missing, with its parents: an O_PATH descriptor. A
 * dangling link on the way leads to a place inside the root, which is made. */
int resolve_make(int root, const char *path, bool want_dir, struct err *err) MUST_CHECK;

/* An O_PATH descriptor to mount on: the directory or (want_dir false) the file at path; made, with
 * its parents, when missing. follow false: the last component is not followed. */
int resolve_mount_point(int root, const char *path, bool want_dir, bool follow,
			struct err *err) MUST_CHECK;

/* openat2(2) done by hand, component by component, with these flags and RESOLVE_* (IN_ROOT or
 * BENEATH, always NO_MAGICLINKS); no O_CREAT. Paths are as deep as RESOLVE_WALK_DEPTH directories.
 * >= 0 or -errno. */
enum { RESOLVE_WALK_DEPTH = 128 };
int resolve_walk(int root, const char *path, int flags, uint64_t resolve);

/* -EPERM where the working directory has no path below the root: it was entered through a
 * descriptor of the host (CVE-2024-21626). */
int resolve_check_cwd(struct err *err) MUST_CHECK;
