/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of system call numbers as one balanced tree of comparisons, with the rules' conditions at its
 * leaves. Pure. */
#pragma once

#include "src/security/filter_emit.h"
#include "src/security/filter_rules.h"

/* Writes the tree for n > 0 ranges, the first of which covers all smaller numbers too. Returns its
 * first instruction, which wants the system call number in the accumulator. */
unsigned int filter_tree_write(struct filter_emit *e, const struct filter_range *ranges, size_t n);
