/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the order of a sequence, for one set of plan flags: every actor does only what exists and
 * what it can know of. Pure. One walk with happens-before sets; see tests/unit/test_order.c. */
#pragma once

#include "src/run/sequence.h"

/* 0, or -EINVAL with the row and the reason. */
int order_check(const struct row *rows, size_t n, uint32_t flags, struct err *err) MUST_CHECK;

/* Whether plan_build() can produce this set of flags. */
bool order_has_flags(uint32_t flags);
