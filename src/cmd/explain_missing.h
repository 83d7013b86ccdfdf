/* SPDX-License-Identifier: Apache-2.0 */
/* What a config names and this host does not have, as create would find out. */
#pragma once

#include "src/base/str.h"

struct arena;
struct plan;

/* A line for each: root file system, mount sources, hooks, the command. Nothing where all is
 * there. */
void explain_missing(struct arena *arena, const struct plan *plan, struct str *out);
