/* SPDX-License-Identifier: Apache-2.0 */
/* The plan in words: what `explain` shows. Prints only what the steps read. Pure. */
#pragma once

#include "src/base/str.h"
#include "src/plan/plan.h"

void plan_print(struct str *out, const struct plan *plan);
