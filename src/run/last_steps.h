/* SPDX-License-Identifier: Apache-2.0 */
/* Records a failed start for `explain`. */
#pragma once

#include "src/run/sequence.h"

/* Saves the error, the failed step, the steps that the same process completed before it, and the
 * departures from the config. All of it is known at that point, so a successful start pays
 * nothing. */
void last_steps_keep(const struct sequence *sequence, const struct start *start,
		     const struct err *error);
