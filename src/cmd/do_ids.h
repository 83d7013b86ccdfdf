/* SPDX-License-Identifier: Apache-2.0 */
/* The ids that a container had, for what it left. */
#pragma once

#include "src/layer/layer.h"

/* Where files of the layer belong to subordinate ids of the user, this process enters a user
 * namespace that has them, for the rest of its life: there it may read, give away and remove
 * them. */
int do_ids_enter(struct arena *arena, const struct layer *layer, struct err *err) MUST_CHECK;
