/* SPDX-License-Identifier: Apache-2.0 */
/* linux.seccomp in the words of the kernel: actions as return values, conditions with masks. Still by
 * name of system call, for any architecture. Pure. */
#pragma once

#include "src/oci/config.h"

/* (argument & mask) <op> value */
struct filter_arg {
	unsigned int index;
	enum oci_seccomp_op op; /* MASKED_EQ with any mask, the others with UINT64_MAX */
	uint64_t mask, value;
};

enum { FILTER_RULES_ARGS = 6 };

struct filter_rule {
	uint32_t action; /* SECCOMP_RET_* with its data */
	size_t n_args;
	struct filter_arg args[FILTER_RULES_ARGS]; /* ascending, all must hold */
};

/* What one entry of linux.seccomp.syscalls says: one rule, or, with several conditions on the same
 * argument, one for each condition. None where it repeats the default action. */
struct filter_call {
	const struct filter_rule *rules;
	size_t n_rules;
	const char *const *names;
	size_t n_names;
};

struct filter_profile {
	struct arena *arena;
	uint32_t standard; /* defaultAction */
	uint32_t newer;    /* of calls with a larger number than any that the profile names */
	bool notifies;     /* some rule says SCMP_ACT_NOTIFY */
	struct filter_call *calls;
	size_t n_calls;
};

/* Checks and translates. The result points into seccomp and the arena. */
int filter_profile_read(struct arena *arena, const struct oci_seccomp *seccomp,
			struct filter_profile *ret, struct err *err) MUST_CHECK;
