/* SPDX-License-Identifier: Apache-2.0 */
/* Architectures of a profile, and what its system call names mean on them. Names and numbers are
 * libseccomp's. Pure. */
#pragma once

#include "src/oci/config.h"

enum {
	FILTER_ARCH_MAX = 24,
	FILTER_ARCH_X32_BIT =
		0x40000000, /* in the numbers of x32, which has the audit value of x86-64 */
};

struct filter_arch {
	uint32_t token;      /* libseccomp's, differs from the kernel's for x32 only */
	uint32_t audit;      /* seccomp_data.arch */
	uint32_t first;      /* system call numbers begin here: 0, or FILTER_ARCH_X32_BIT */
	bool wide;           /* arguments have 64 bits */
	int socketcall, ipc; /* numbers of the multiplexers, or negative */
};

struct filter_archs {
	struct filter_arch v[FILTER_ARCH_MAX]; /* the native one first */
	size_t n;
};

/* The native architecture and those of the profile. Those that cannot exist on this host (the other
 * byte order, or unknown to libseccomp) are left out: no process could use them. */
int filter_arch_list(const struct oci_seccomp *seccomp, struct filter_archs *ret,
		     struct err *err) MUST_CHECK;

/* The architecture with this audit value whose numbers begin there, or NULL. */
const struct filter_arch *filter_arch_find(const struct filter_archs *archs, uint32_t audit,
					   uint32_t first);

/* Whether one before it has the same audit value. */
bool filter_arch_is_repeated(const struct filter_archs *archs, size_t i);

/* What a name means: its own number, the number of a call of a multiplexer (socketcall, ipc), or both.
 * Negative: does not exist here. */
struct filter_number {
	int direct;
	int mux;       /* socketcall or ipc */
	uint32_t call; /* the multiplexer's first argument */
};

/* Returns false where libseccomp knows the name on no architecture. */
bool filter_arch_resolve(const struct filter_arch *arch, const char *name,
			 struct filter_number *ret);
