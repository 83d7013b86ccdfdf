/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a start: one table for all processes, every row done by one of them. No logic here. */
#pragma once

#include "src/steps/steps.h"

enum row_kind {
	ROW_ACT,   /* who does it */
	ROW_SYNC,  /* who tells `to` that it got here; may carry a descriptor */
	ROW_SPAWN, /* who clones `to`; the child goes on at the next row */
	ROW_LEAVE, /* who ends; `to` reaps it */
	ROW_ENDS,  /* `to` waits until who has closed its channel: exec succeeded */
};

/* Things that have happened. */
enum milestone {
	M_STATE = 1 << 0,
	M_FILTER = 1 << 1,
	M_CGROUP = 1 << 2,
	M_IN_CGROUP = 1 << 3,
	M_CHILD_PID = 1 << 4,
	M_INIT_PID = 1 << 5,
	M_JOINED = 1 << 6,
	M_USERNS = 1 << 7,
	M_MNTNS = 1 << 8,
	M_IDMAP = 1 << 9,
	M_LIMITS = 1 << 10,
	M_MOUNT_FDS = 1 << 11,
	M_ROOT = 1 << 12,
	M_NAMESPACES = 1 << 13,
	M_STAGER_GONE = 1 << 14,
	M_SESSION = 1 << 15,
	M_CGROUPNS = 1 << 16,
	M_MOUNTED = 1 << 17,
	M_RUNTIME_HOOKS = 1 << 18,
	M_CONTAINER_HOOKS = 1 << 19,
	M_MASKED = 1 << 20,
	M_CONSOLE = 1 << 21,
	M_PIVOTED = 1 << 22,
	M_KERNEL_SET = 1 << 23,
	M_FILTERED = 1 << 24,
	M_PRIVS_DROPPED = 1 << 25,
	M_CREATED = 1 << 26,
	M_STATE_WRITTEN = 1 << 27,
	M_RELEASED = 1 << 28,
	M_STARTED = 1 << 29,
	M_FDS_CLOSED = 1 << 30,
	M_LINKS = (int)(1u << 31),
};

struct row {
	enum row_kind kind;
	enum actor who, to;
	const char *name;
	uint32_t when, unless;  /* plan flags */
	uint32_t needs;         /* milestones that the actor must know of */
	uint32_t after, before; /* if given at all, known before this; not yet given */
	uint32_t gives;
	int (*act)(struct run *run, struct err *err);
	bool undo;      /* leaves something on the host: undo_list has an entry of this name */
	size_t carries; /* SYNC: offset in struct run of a descriptor to send, 0: none */
};

struct sequence {
	const struct row *rows;
	size_t n;
};

extern const struct sequence sequence_create, sequence_exec;

static inline bool sequence_row_active(const struct row *row, uint32_t flags)
{
	return (flags & row->when) == row->when && !(flags & row->unless);
}

/* Without a stager, init plays its part. */
static inline enum actor sequence_actor(enum actor actor, uint32_t flags)
{
	return actor == ACTOR_STAGER && !(flags & PLAN_STAGER) ? ACTOR_INIT : actor;
}

const char *sequence_actor_name(enum actor actor);
