/* SPDX-License-Identifier: Apache-2.0 */
/* The one road of a start that fails. */
#pragma once

#include "src/steps/start.h"

struct channel;

/* Finds words for a child that died without any, ends and reaps the processes that it made, and
 * takes back what its rows have left on the host. */
void failure_end(struct start *start, struct channel *channel, struct err *err);
