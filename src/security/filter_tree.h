/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of system call numbers as one balanced tree of comparisons, with the rules' conditions at its
 * leaves. Pure. */
#pragma once

#include "src/security/filter_emit.h"
#include "src/security/filter_rules.h"

enum { FILTER_TREE_SEEN = 64 };

/* Zero-initialise, then set emit. */
struct filter_tree {
	struct filter_emit *emit;
	struct {
		const struct filter_range *range;
		unsigned int place;
	} seen[FILTER_TREE_SEEN]; /* the newest list of rules of its kind, by hash */
};

/* Writes the tree for n > 0 ranges, the first of which covers all smaller numbers too. They must stay
 * where they are until the last tree is written. Returns the first instruction, which wants the system
 * call number in the accumulator. */
unsigned int filter_tree_write(struct filter_tree *tree, const struct filter_range *ranges,
			       size_t n);
