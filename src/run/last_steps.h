/* SPDX-License-Identifier: Apache-2.0 */
/* What is recorded of a failed start for those who ask later. */
#pragma once

#include "src/run/sequence.h"

/* Saves the error, the failed step, those that the same process completed before it, and the
 * departures from the config. All of it is known by then: a start that succeeds pays nothing. */
void last_steps_keep(const struct sequence *sequence, const struct start *start,
		     const struct err *error);
