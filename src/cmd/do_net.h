/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the network of `usrun do`. */
#pragma once

#include "src/do/do.h"

/* The requested one (--net), or the first that works here: slirp4netns, pasta, none. *ret_why: why
 * it is none, and what to do about it; NULL if none was requested. */
int do_net_choose(struct arena *arena, const char *asked, struct net_plan *ret,
		  const char **ret_why, struct err *err) MUST_CHECK;
