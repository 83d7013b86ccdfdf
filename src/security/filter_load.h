/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the calling process under a filter. From then on, and until the program runs, the runtime itself
 * may make only the calls that the profile allows. */
#pragma once

#include "src/security/filter_compile.h"

/* *ret_listener is the descriptor for the agent (close-on-exec) or -1. A flag that the profile asks for
 * and the kernel does not know is an error. Needs no_new_privs or CAP_SYS_ADMIN. */
int filter_load(const struct filter_program *program, int *ret_listener,
		struct err *err) MUST_CHECK;

/* SECCOMP_FILTER_FLAG_* of profiles that this kernel takes, for `features`. */
unsigned int filter_load_flags(void);
