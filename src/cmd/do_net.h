/* SPDX-License-Identifier: Apache-2.0 */
/* The network that `usrun do` provides. */
#pragma once

#include "src/do/do.h"

/* What was asked for (--net), or what can be had here: slirp4netns, pasta, none. *ret_why: why it
 * is none, and what to do about it; NULL when that was asked for. */
int do_net_choose(struct arena *arena, const char *asked, struct net_plan *ret,
		  const char **ret_why, struct err *err) MUST_CHECK;
