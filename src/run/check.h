/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the order of a sequence, for one set of plan flags: every actor does only what exists and what
 * it can know of. Pure. One walk with happens-before sets; see tests/unit/test_check_order.c. */
#pragma once

#include "src/run/sequence.h"

/* 0, or -EINVAL with the row and the reason. wanted: milestones that the flags owe at the end. */
int check_order(const struct row *rows, size_t n, uint32_t flags, struct err *err) MUST_CHECK;
