/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that print a plan. */
#pragma once

#include "src/plan/plan.h"

/* Text from the config stays on its line; fmt may have line breaks only at its ends. */
void plan_print_addf(struct str *out, const char *fmt, ...) PRINTF(2, 3);
void plan_print_why(struct str *out, const char *reason);

void plan_print_rootfs(struct str *out, const struct plan *plan);
