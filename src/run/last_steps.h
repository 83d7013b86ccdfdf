/* SPDX-License-Identifier: Apache-2.0 */
/* What a start that failed tells those who ask later. */
#pragma once

#include "src/run/sequence.h"

/* Keeps the error, the step that failed, those that the same process had done before it, and the
 * departures from the config. All of it is known by then: a start that succeeds pays nothing. */
void last_steps_keep(const struct sequence *sequence, const struct start *start,
		     const struct err *error);
