/* SPDX-License-Identifier: Apache-2.0 */
/* Our own binary must never be writable from inside a container (CVE-2019-5736). */
#pragma once

#include "src/base/err.h"

/* First thing in main. Where a process of the container could be allowed to write our file (it belongs to
 * the caller, or others may write it), and the command puts a process of ours into a container (create,
 * run, exec), the program starts again from a read-only detached mount of the same file: nothing is
 * copied. A caller who may not mount gets a sealed copy in memory. All other calls pay one comparison. */
int self_protect(char **argv, struct err *err) MUST_CHECK;
