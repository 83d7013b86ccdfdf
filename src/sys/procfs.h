/* SPDX-License-Identifier: Apache-2.0 */
/* A procfs that the container cannot have tampered with: fresh and detached, checked by its magic.
 * Labels, sysctls and attributes are written here and nowhere else (CVE-2019-16884,
 * CVE-2025-52881). */
#pragma once

#include "src/base/err.h"

/* Opens a private instance: for the calling process's pid namespace (context -1), or for that of a
 * context from mountfd_fs_open("proc"). Where the kernel refuses one (an outer container masks
 * parts of /proc), opens the mounted /proc, after checking that it is a procfs. >= 0 or negative
 * with err. */
int procfs_open(int context, struct err *err) MUST_CHECK;

/* Writes text to a file in it, without following symbolic links or crossing mounts. 0 or -errno. */
int procfs_write(int procfs, const char *path, const char *text);
