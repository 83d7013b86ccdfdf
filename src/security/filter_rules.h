/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a profile for one architecture, as ranges of system call numbers. Pure.
 *
 * What holds where several rules name the same call (as in libseccomp):
 * - A rule without conditions beats all rules with conditions; the first such rule counts.
 * - Else the first rule whose conditions all hold, in an order that puts equality before inequality and
 *   the larger value before the smaller, not in the order of the file; see order() in filter_rules.c.
 * - Else, and for calls without a rule, the default action. */
#pragma once

#include "src/security/filter_arch.h"

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

struct filter_range {
	uint32_t first;                   /* up to the next range, or to UINT32_MAX */
	bool wide;                        /* as of the architecture */
	uint32_t action;                  /* where no rule matches */
	const struct filter_rule **rules; /* in order; each has conditions */
	size_t n_rules;
};

enum { FILTER_RULES_MAX = 2048 }; /* for one number: each needs two instructions of the kernel's 4096 */

struct filter_ranges {
	struct filter_range *v;
	size_t n, cap;
	bool overflow; /* more than FILTER_RULES_MAX: the rest is missing */
};

struct filter_actions {
	uint32_t standard; /* defaultAction */
	uint32_t newer;    /* of calls with a larger number than any that the profile names */
};

/* Appends the ranges of one architecture. */
void filter_rules_ranges(struct arena *arena, const struct filter_arch *arch,
			 const struct filter_call *calls, size_t n_calls,
			 const struct filter_actions *actions, struct filter_ranges *ranges);

/* Appends a range that begins at `first` and has one action for all. */
void filter_rules_plain(struct arena *arena, uint32_t first, uint32_t action,
			struct filter_ranges *ranges);
