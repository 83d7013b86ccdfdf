/* SPDX-License-Identifier: Apache-2.0 */
/* The notation for a table's rows: who runs it, its name, then the columns. Only for the files with
 * tables. */
#pragma once

#include "src/run/sequence.h"

#define ACT(actor, n, f, ...)                                                                      \
	{                                                                                          \
		.kind = ROW_ACT, .who = ACTOR_##actor, .name = n, .act = ACT_##f, __VA_ARGS__      \
	}
#define SYNC(from, dest, n, ...)                                                                   \
	{                                                                                          \
		.kind = ROW_SYNC, .who = ACTOR_##from, .to = ACTOR_##dest, .name = n, __VA_ARGS__  \
	}
#define SPAWN(from, dest, n, ...)                                                                  \
	{                                                                                          \
		.kind = ROW_SPAWN, .who = ACTOR_##from, .to = ACTOR_##dest, .name = n, __VA_ARGS__ \
	}
#define LEAVE(from, dest, n, ...)                                                                  \
	{                                                                                          \
		.kind = ROW_LEAVE, .who = ACTOR_##from, .to = ACTOR_##dest, .name = n, __VA_ARGS__ \
	}
#define ENDS(from, dest, n, ...)                                                                   \
	{                                                                                          \
		.kind = ROW_ENDS, .who = ACTOR_##from, .to = ACTOR_##dest, .name = n, __VA_ARGS__  \
	}
#define SEQUENCE(table)                                                                            \
	{                                                                                          \
		.rows = (table), .n = sizeof(table) / sizeof((table)[0]), .acts = steps_by_number  \
	}
