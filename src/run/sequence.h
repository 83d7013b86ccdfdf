/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a start: one table for all processes, each row run by one of them. No logic here. */
#pragma once

#include "src/steps/steps.h"

enum row_kind {
	ROW_ACT,   /* who runs the step */
	ROW_SYNC,  /* who tells `to` that it got here, and may send a descriptor */
	ROW_SPAWN, /* who clones `to`; the child goes on at the next row */
	ROW_LEAVE, /* who ends; `to` reaps it */
	ROW_ENDS,  /* `to` waits until who has closed its channel: exec succeeded */
};

/* Milestones. Macros, because an enum would have only 32 bits. */
#define M_STATE (UINT64_C(1) << 0)
#define M_FILTER (UINT64_C(1) << 1)
#define M_CGROUP (UINT64_C(1) << 2)
#define M_IN_CGROUP (UINT64_C(1) << 3)
#define M_CHILD_PID (UINT64_C(1) << 4)
#define M_INIT_PID (UINT64_C(1) << 5)
#define M_JOINED (UINT64_C(1) << 6)
#define M_USERNS (UINT64_C(1) << 7)
#define M_MNTNS (UINT64_C(1) << 8)
#define M_IDMAP (UINT64_C(1) << 9)
#define M_LIMITS (UINT64_C(1) << 10)
#define M_MOUNT_FDS (UINT64_C(1) << 11)
#define M_ROOT (UINT64_C(1) << 12)
#define M_NAMESPACES (UINT64_C(1) << 13)
#define M_STAGER_GONE (UINT64_C(1) << 14)
#define M_SESSION (UINT64_C(1) << 15)
#define M_CGROUPNS (UINT64_C(1) << 16)
#define M_MOUNTED (UINT64_C(1) << 17)
#define M_RUNTIME_HOOKS (UINT64_C(1) << 18)
#define M_CONTAINER_HOOKS (UINT64_C(1) << 19)
#define M_MASKED (UINT64_C(1) << 20)
#define M_CONSOLE (UINT64_C(1) << 21)
#define M_PIVOTED (UINT64_C(1) << 22)
#define M_KERNEL_SET (UINT64_C(1) << 23)
#define M_FILTERED (UINT64_C(1) << 24)
#define M_PRIVS_DROPPED (UINT64_C(1) << 25)
#define M_CREATED (UINT64_C(1) << 26)
#define M_STATE_WRITTEN (UINT64_C(1) << 27)
#define M_RELEASED (UINT64_C(1) << 28)
#define M_STARTED (UINT64_C(1) << 29)
#define M_FDS_CLOSED (UINT64_C(1) << 30)
#define M_LINKS (UINT64_C(1) << 31)
#define M_LIFELINE (UINT64_C(1) << 32)
#define M_ATTRIBUTES (UINT64_C(1) << 33)
#define M_CWD (UINT64_C(1) << 34)
#define M_FOUND (UINT64_C(1) << 35)
#define M_OWN_LIMITS (UINT64_C(1) << 36)
#define M_RDT (UINT64_C(1) << 37)
#define M_NOTIFIED (UINT64_C(1) << 38)
#define M_ATTACHED (UINT64_C(1) << 39)
#define M_OOM (UINT64_C(1) << 40)
#define M_EXECUTED (UINT64_C(1) << 41)
#define M_LOOPBACK (UINT64_C(1) << 42)
#define M_DEVICES (UINT64_C(1) << 43)
#define M_FINISHED (UINT64_C(1) << 44)
#define M_OFFSETS (UINT64_C(1) << 45)
#define M_CGROUP_V2 (UINT64_C(1) << 46)
#define M_EARLY (UINT64_C(1) << 47)
#define M_DEV (UINT64_C(1) << 48)
#define M_STATE_FULL (UINT64_C(1) << 49)
#define M_INIT_KNOWN (UINT64_C(1) << 50)
#define M_LAYER (UINT64_C(1) << 51)
#define M_TIMENS (UINT64_C(1) << 52)
#define M_START_TIME (UINT64_C(1) << 53)
#define M_ADMITTED (UINT64_C(1) << 54)
#define M_SHOWN (UINT64_C(1) << 55)
#define M_RECORDED (UINT64_C(1) << 56)
#define M_TERMINAL (UINT64_C(1) << 57)
/* The root, working directory and descriptors that a process cloned from now on inherits belong to
 * the container, or are useless to others. */
#define M_INSIDE (UINT64_C(1) << 58)
#define M_LEADS (UINT64_C(1) << 59)
#define M_NET_SHOWN (UINT64_C(1) << 60)
#define M_NET_STARTED (UINT64_C(1) << 61)
#define M_KEPT (UINT64_C(1) << 62)
#define M_SERVED (UINT64_C(1) << 63)

/* Milestones that a clone inherits: a child cloned earlier does not have them. */
#define M_INHERITED (M_OOM | M_IN_CGROUP | M_ATTACHED | M_OFFSETS)

struct row {
	enum row_kind kind : 8;
	enum actor who : 8, to : 8;
	bool many; /* opens dozens of descriptors, which the next row without it closes */
	bool undo; /* leaves something on the host: undo_list has an entry of this name */
	enum act act : 8;
	uint16_t carries; /* SYNC: offset in struct start of a descriptor to send; 0: none */
	char name[24];
	uint32_t when, unless;  /* plan flags */
	uint64_t needs;         /* milestones that the actor must know about */
	uint64_t after, before; /* known before this, if ever given; not given yet */
	uint64_t gives;
};

struct sequence {
	const struct row *rows;
	size_t n;
	int (*const *acts)(struct start *start, struct err *err); /* by enum act */
};

extern const struct sequence sequence_create, sequence_exec, sequence_restore;

static inline bool sequence_row_active(const struct row *row, uint32_t flags)
{
	return (flags & row->when) == row->when && !(flags & row->unless);
}

/* Without a stager, init plays its part. Processes in a joined pid namespace see a new process as
 * soon as it is born, and may have the right to open its root. There the stager, which is outside,
 * prepares what init is born into. */
static inline enum actor sequence_actor(enum actor actor, uint32_t flags)
{
	if (actor == ACTOR_BUILDER)
		return flags & PLAN_PIDNS_JOIN ? ACTOR_STAGER : ACTOR_INIT;
	return actor == ACTOR_STAGER && !(flags & PLAN_STAGER) ? ACTOR_INIT : actor;
}

static inline const char *sequence_actor_name(enum actor actor)
{
	static const char *const names[ACTOR_COUNT] = { "parent", "stager", "init" };

	return names[actor];
}
