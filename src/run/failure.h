/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when a start fails: one path for all failures. */
#pragma once

#include "src/steps/start.h"

struct channel;

/* Explains the death of a child that reported nothing, ends and reaps the processes of the start,
 * and undoes what its rows left on the host. */
void failure_end(struct start *start, struct channel *channel, struct err *err);
