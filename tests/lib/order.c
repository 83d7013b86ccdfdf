/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/order.h"

#include "src/base/str.h"

/* What a plan asks for must have been done at the end. */
struct owed {
	uint32_t flags;
	uint64_t milestones;
};

static const struct owed owed[] = {
	{ 0, M_PRIVS_DROPPED | M_CREATED | M_STATE_WRITTEN | M_FDS_CLOSED | M_RELEASED },
	{ 0, M_LIFELINE | M_ATTRIBUTES | M_CWD | M_FOUND | M_OWN_LIMITS | M_RDT | M_OOM },
	{ PLAN_SECCOMP_NOTIFY, M_NOTIFIED },
	{ PLAN_CGROUP, M_IN_CGROUP },
	{ PLAN_SECCOMP, M_FILTERED },
	{ PLAN_TERMINAL, M_CONSOLE },
	{ PLAN_STAGER, M_STAGER_GONE | M_INIT_PID | M_INIT_KNOWN },
};

static const struct owed owed_exec[] = {
	{ 0, M_EXECUTED },
	{ PLAN_CGROUP_UNIT, M_ATTACHED },
	{ PLAN_STAGER | PLAN_CGROUP, M_ADMITTED },
};

static const struct owed owed_create[] = {
	{ 0, M_PIVOTED | M_LIMITS | M_KERNEL_SET | M_ROOT | M_SESSION | M_MOUNT_FDS },
	{ PLAN_USERNS_NEW, M_USERNS | M_IDMAP },
	{ PLAN_USERNS_JOIN, M_USERNS },
	{ PLAN_NS_JOIN, M_JOINED },
	{ PLAN_CGROUPNS, M_CGROUPNS },
	{ PLAN_MNTNS_NEW, M_MNTNS },
	{ PLAN_MOUNTS, M_MOUNTED | M_MASKED },
	{ PLAN_HOOKS_RUNTIME, M_RUNTIME_HOOKS },
	{ PLAN_HOOKS_CONTAINER, M_CONTAINER_HOOKS },
	{ PLAN_WAIT_START, M_STARTED },
	{ PLAN_NET_NEW, M_LOOPBACK },
	{ PLAN_LAYER, M_LAYER },
	{ PLAN_MOUNTS, M_SERVED },
	{ PLAN_MOUNTS, M_DEVICES | M_FINISHED },
	{ PLAN_TIME_OFFSETS, M_OFFSETS },
	{ PLAN_PIDNS_JOIN, M_INSIDE | M_LEADS },
	{ PLAN_CONSOLE_KEPT, M_KEPT },
};

static const struct owed owed_restore[] = {
	{ 0, M_STATE_WRITTEN | M_STATE_FULL | M_IN_CGROUP | M_NAMESPACES | M_INIT_PID | M_RDT },
	{ 0, M_MOUNTED | M_START_TIME | M_STARTED | M_STAGER_GONE | M_EXECUTED },
	{ PLAN_CONSOLE_SOCKET, M_CONSOLE },
	{ PLAN_CGROUP, M_CGROUP },
	{ PLAN_HOOKS_RUNTIME, M_RUNTIME_HOOKS },
};

/* Work that has to do with what is the host's, or takes rights that the container has not: a
 * process among others must find it done. */
#define M_HOSTS_WORK                                                                               \
	(M_INSIDE | M_PIVOTED | M_FINISHED | M_MOUNTED | M_DEVICES | M_MASKED | M_TERMINAL |       \
	 M_KERNEL_SET | M_CONTAINER_HOOKS | M_LINKS | M_LOOPBACK | M_CGROUPNS | M_SESSION |        \
	 M_ATTRIBUTES | M_PRIVS_DROPPED)

struct walked {
	bool among_others; /* init is born where others live */
	bool joins_others; /* a user namespace in which others may have the right to trace */
	uint64_t knows[ACTOR_COUNT]; /* milestones each actor can be sure of */
	uint64_t happened, possible;
	bool alive[ACTOR_COUNT];
	bool exec_seen;
};

static const char *fault(const struct walked *w, const struct row *row, enum actor who,
			 enum actor to)
{
	uint64_t after = row->after & w->possible, inherited = M_INHERITED & w->possible;

	if (!w->alive[who])
		return "its process does not exist";
	if ((after & w->knows[who]) != after)
		return "must come after something that it cannot know of";
	if ((row->needs & w->knows[who]) != row->needs)
		return "relies on what may not have happened";
	if (row->before & w->happened)
		return "comes too late";
	if ((row->gives & M_USERNS) && w->joins_others && !(w->knows[who] & M_OOM))
		return "hides there, and its files in /proc are not written yet";
	if (row->kind == ROW_SYNC && !w->alive[to])
		return "the receiver does not exist";
	if (row->kind == ROW_SPAWN && w->alive[to])
		return "the child exists already";
	/* What is made by the parent gets these things itself. */
	if (row->kind == ROW_SPAWN && who != ACTOR_PARENT &&
	    (inherited & w->knows[who]) != inherited)
		return "the child would not inherit what its maker is given later";
	/* What went wrong in it is heard where its child's first word is waited for. */
	if (row->kind == ROW_SPAWN && who != ACTOR_PARENT && !(w->knows[who] & M_NAMESPACES))
		return "the child would be seen by others with what is the host's";
	if (row->kind == ROW_SPAWN && who != ACTOR_PARENT && w->among_others &&
	    (~w->knows[who] & (M_INSIDE | M_PRIVS_DROPPED | (M_HOSTS_WORK & w->possible))))
		return "others could take the host's root, directory, descriptors or rights from "
		       "the child";
	if (row->kind == ROW_LEAVE && (w->possible & M_INIT_KNOWN & ~w->knows[to]))
		return "leaves before its child has said a word";
	if (w->exec_seen && who == ACTOR_INIT && row->kind != ROW_ENDS)
		return "comes after the exec";
	return NULL;
}

static void apply(struct walked *w, const struct row *row, enum actor who, enum actor to)
{
	w->knows[who] |= row->gives;
	w->happened |= row->gives;
	if (row->kind == ROW_SYNC)
		w->knows[to] |= w->knows[who];
	if (row->kind == ROW_SPAWN) {
		w->alive[to] = true;
		w->knows[to] = w->knows[who];
	}
	if (row->kind == ROW_LEAVE) { /* it is reaped */
		w->knows[to] |= w->knows[who];
		w->alive[who] = false;
	}
	if (str_equal(row->name, "exec"))
		w->exec_seen = true;
}

static int check_list(const struct walked *w, const struct owed *v, size_t n, uint32_t flags,
		      struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if ((flags & v[i].flags) == v[i].flags &&
		    (w->happened & v[i].milestones) != v[i].milestones)
			return err_set(err, EINVAL,
				       "flags %#x: milestones %#llx are owed at the end", flags,
				       (unsigned long long)(v[i].milestones & ~w->happened));
	return 0;
}

/* Nothing is executed: CRIU brings what runs. */
static bool restores(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_starts(rows[i].name, "criu-"))
			return true;
	return false;
}

static int check_owed(const struct walked *w, bool create, uint32_t flags, struct err *err)
{
	int r = check_list(w, owed, sizeof(owed) / sizeof(owed[0]), flags, err);

	if (r == 0 && create)
		r = check_list(w, owed_create, sizeof(owed_create) / sizeof(owed_create[0]), flags,
			       err);
	if (r == 0 && !create)
		r = check_list(w, owed_exec, sizeof(owed_exec) / sizeof(owed_exec[0]), flags, err);
	if (r < 0)
		return r;
	return w->exec_seen ? 0 : err_set(err, EINVAL, "flags %#x: nothing is executed", flags);
}

int order_check(const struct row *rows, size_t n, uint32_t flags, struct err *err)
{
	struct walked w = { .alive = { [ACTOR_PARENT] = true } };

	for (size_t i = 0; i < n; i++)
		if (sequence_row_active(&rows[i], flags))
			w.possible |= rows[i].gives;
	/* Whom exec joins is there. */
	w.joins_others = flags & PLAN_USERNS_JOIN;
	w.among_others = (flags & PLAN_PIDNS_JOIN) || !(w.possible & M_STATE);
	for (size_t i = 0; i < n; i++) {
		enum actor who = sequence_actor(rows[i].who, flags);
		enum actor to = sequence_actor(rows[i].to, flags);
		const char *why;

		if (!sequence_row_active(&rows[i], flags))
			continue;
		why = fault(&w, &rows[i], who, to);
		if (why)
			return err_set(err, EINVAL, "flags %#x: row %zu \"%s\": %s", flags, i,
				       rows[i].name, why);
		apply(&w, &rows[i], who, to);
	}
	if (restores(rows, n))
		return check_list(&w, owed_restore, sizeof(owed_restore) / sizeof(owed_restore[0]),
				  flags, err);
	return check_owed(&w, w.happened & M_STATE, flags, err);
}

bool order_has_flags(uint32_t flags)
{
	bool new_user = flags & PLAN_USERNS_NEW, join_user = flags & PLAN_USERNS_JOIN;
	bool stager = flags & PLAN_STAGER;

	if (new_user && join_user)
		return false;
	if (join_user && !stager)
		return false;
	if (new_user && (flags & PLAN_NS_JOIN) && !stager)
		return false;
	if ((flags & PLAN_TIME_OFFSETS) && !stager)
		return false;
	if ((flags & PLAN_PIDNS_JOIN) && (!stager || !(flags & PLAN_NS_JOIN)))
		return false;
	/* A stager has a reason. */
	if (stager && !(flags & (PLAN_USERNS_JOIN | PLAN_NS_JOIN | PLAN_TIME_OFFSETS)))
		return false;
	if ((flags & PLAN_MOUNTS_BY_PARENT) && !(flags & PLAN_MNTNS_NEW))
		return false;
	if ((flags & PLAN_MNTNS_NEW) && !(flags & PLAN_MOUNTS))
		return false;
	/* Nobody may mount there from a user namespace of its own. */
	if (new_user && (flags & PLAN_MOUNTS) && !(flags & PLAN_MNTNS_NEW))
		return false;
	if ((flags & PLAN_NET_DEVICES) && !(flags & (PLAN_NET_NEW | PLAN_NS_JOIN)))
		return false;
	if ((flags & PLAN_NET_HELPER) && (!(flags & PLAN_NET_NEW) || (flags & PLAN_PIDNS_JOIN)))
		return false;
	if ((flags & PLAN_CGROUP_UNIT) && !(flags & PLAN_CGROUP))
		return false;
	/* In another user namespace init could not open the files of its groups. */
	if ((flags & PLAN_CGROUP_LATE) &&
	    (!(flags & PLAN_CGROUP) ||
	     (flags & (PLAN_CGROUP_UNIT | PLAN_USERNS_NEW | PLAN_STAGER))))
		return false;
	if ((flags & PLAN_SECCOMP_EARLY) && !(flags & PLAN_SECCOMP))
		return false;
	if ((flags & PLAN_SECCOMP_NOTIFY) && !(flags & PLAN_SECCOMP_EARLY))
		return false;
	if ((flags & PLAN_SECCOMP) && (flags & PLAN_HOOKS_START) && !(flags & PLAN_SECCOMP_EARLY))
		return false;
	/* The lock on it ends with usrun. */
	if ((flags & PLAN_LAYER) &&
	    (!(flags & PLAN_MNTNS_NEW) || (flags & (PLAN_WAIT_START | PLAN_CONSOLE_KEPT))))
		return false;
	if ((flags & PLAN_CONSOLE_SOCKET) && !(flags & PLAN_TERMINAL))
		return false;
	if ((flags & PLAN_CONSOLE_KEPT) &&
	    (!(flags & PLAN_TERMINAL) || (flags & (PLAN_CONSOLE_SOCKET | PLAN_WAIT_START))))
		return false;
	return true;
}
