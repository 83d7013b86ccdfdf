/* SPDX-License-Identifier: Apache-2.0 */
/* Random changes of JSON documents. */
#pragma once

#include "tests/fuzz/json_tree.h"
#include "tests/lib/random.h"

/* Changes a few places of the tree; parts of the donor, which has some, come in. */
void json_mutate_tree(struct arena *arena, struct random *random, struct json_node *root,
		      const struct json_node *donor);

/* Changes the bytes of a text of len bytes in place: cut off, overwritten. Returns the new
 * length. */
size_t json_mutate_bytes(struct random *random, char *text, size_t len);
