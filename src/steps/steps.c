/* SPDX-License-Identifier: Apache-2.0 */
#include "src/steps/steps.h"

#define STEP_NUMBERED(name) [ACT_step_##name] = step_##name,
int (*const steps_by_number[ACT_COUNT])(struct start *start,
					struct err *err) = { STEPS(STEP_NUMBERED) };
