/* SPDX-License-Identifier: Apache-2.0 */
/* A filter that the caller compiled: annotation run.oci.seccomp_bpf_data. Pure. */
#pragma once

#include "src/security/filter_compile.h"

/* Decodes base64 text of struct sock_filter[]; the kernel checks the program when it is loaded. seccomp
 * (may be NULL) gives the flags. */
int filter_raw_decode(struct arena *arena, const char *base64, const struct oci_seccomp *seccomp,
		      struct filter_program *ret, struct err *err) MUST_CHECK;
