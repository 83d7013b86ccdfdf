/* SPDX-License-Identifier: Apache-2.0 */
/* openat2(2) done by hand, component by component. */
#pragma once

#include <stdint.h>

/* As openat2() with these flags and RESOLVE_* (IN_ROOT or BENEATH, always NO_MAGICLINKS); no O_CREAT. Paths are as deep
 * as RESOLVE_WALK_DEPTH directories. >= 0 or -errno. */
enum { RESOLVE_WALK_DEPTH = 128 };
int resolve_walk(int root, const char *path, int flags, uint64_t resolve);
