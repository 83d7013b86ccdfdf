/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that exist in memory only. */
#pragma once

#include <stdbool.h>

/* An empty file in memory that may be executed, close-on-exec, to be filled and then sealed; the kernel may
 * forbid such files (vm.memfd_noexec=2, sysctl kernel). >= 0 or -errno. */
int program_memfd(const char *name);

/* From here on nobody can change it, whoever gets hold of it. 0 or -errno. */
int program_seal(int fd);
bool program_is_sealed(int fd);
