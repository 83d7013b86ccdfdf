/* SPDX-License-Identifier: Apache-2.0 */
/* linux.seccomp as a BPF program. libseccomp knows the names, the architectures and the rules' meaning. */
#pragma once

#include "src/oci/config.h"

struct filter_program {
	const void *insns; /* struct sock_filter[n], arena */
	unsigned short n;
	unsigned int flags;         /* SECCOMP_FILTER_FLAG_* */
	const char *const *unknown; /* syscalls of the profile that are not known here, recorded */
	size_t n_unknown;
};

/* Builds the program. An action that needs an agent (SCMP_ACT_NOTIFY) is refused. */
int filter_compile(struct arena *arena, const struct oci_seccomp *seccomp, struct filter_program *ret,
		   struct err *err) MUST_CHECK;
