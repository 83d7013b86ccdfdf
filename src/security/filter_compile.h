/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles linux.seccomp into a BPF program. Names, numbers and architectures come from libseccomp;
 * the program is our own: see README.md. Pure. */
#pragma once

#include "src/oci/config.h"

/* How init, already under the filter, passes its listener to the parent. */
enum filter_handover {
	FILTER_HANDOVER_NONE, /* there is no listener */
	FILTER_HANDOVER_SENDMSG,
	FILTER_HANDOVER_SENDMMSG, /* the profile sends sendmsg to the listener (bypass4netns) */
};

struct filter_program {
	const void *insns; /* struct sock_filter[n], arena */
	unsigned short n;
	unsigned int flags; /* SECCOMP_FILTER_FLAG_*, as loaded */
	bool flags_implied; /* the profile has no flags: SPEC_ALLOW is implied and may be dropped */
	bool needs_listener; /* some rule says SCMP_ACT_NOTIFY */
	enum filter_handover handover;
	const char *const *unknown; /* names in the profile that libseccomp does not know */
	size_t n_unknown;
};

/* Builds the program. Unknown names are skipped and listed in ret->unknown. */
int filter_compile(struct arena *arena, const struct oci_seccomp *seccomp,
		   struct filter_program *ret, struct err *err) MUST_CHECK;

/* Takes a program that the caller compiled (annotation run.oci.seccomp_bpf_data): struct
 * sock_filter[] in base64, which the kernel checks when it is loaded. seccomp (may be NULL) gives
 * the flags. */
int filter_compile_raw(struct arena *arena, const char *base64, const struct oci_seccomp *seccomp,
		       struct filter_program *ret, struct err *err) MUST_CHECK;
