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
#include "src/security/filter_profile.h"

struct filter_range {
	uint32_t first;                   /* up to the next range, or to UINT32_MAX */
	bool wide;                        /* as of the architecture */
	uint32_t action;                  /* where no rule matches */
	const struct filter_rule **rules; /* in order; each has conditions */
	size_t n_rules;
};

enum {
	FILTER_RULES_MAX = 2048
}; /* for one number: each needs two instructions of the kernel's 4096 */

struct filter_ranges {
	struct filter_range *v;
	size_t n, cap;
	bool overflow;        /* more than FILTER_RULES_MAX: the rest is missing */
	const char **unknown; /* names that libseccomp does not know on any architecture */
	size_t n_unknown, cap_unknown;
};

/* Appends the ranges of one architecture. */
void filter_rules_ranges(const struct filter_profile *profile, const struct filter_arch *arch,
			 struct filter_ranges *ranges);

/* Appends a range that begins at `first` and has one action for all. */
void filter_rules_plain(struct arena *arena, uint32_t first, uint32_t action,
			struct filter_ranges *ranges);
