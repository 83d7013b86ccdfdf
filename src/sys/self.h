/* SPDX-License-Identifier: Apache-2.0 */
/* Our own binary must never be writable from inside a container (CVE-2019-5736). */
#pragma once

#include "src/base/err.h"

/* First thing in main. If an id mapped into the container could write our file (the caller is root,
 * or the file or its directory does not belong to host root alone), and the command puts a process
 * of ours into a container (create, run, exec, do), restarts the program from a read-only detached
 * mount of the same file, without copying. A caller who may not mount gets a sealed copy in memory.
 * Other commands pay only for a look at the file. */
int self_protect(char **argv, struct err *err) MUST_CHECK;
