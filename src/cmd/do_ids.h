/* SPDX-License-Identifier: Apache-2.0 */
/* Takes on the ids of a container, to handle the files that it left. */
#pragma once

#include "src/layer/layer.h"

/* If files of the layer belong to subordinate ids of the user, this process enters a user namespace
 * that maps them, for the rest of its life: there it may read, chown and remove them. */
int do_ids_enter(struct arena *arena, const struct layer *layer, struct err *err) MUST_CHECK;
