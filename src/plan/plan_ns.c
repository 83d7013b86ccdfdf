/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces: which are created, joined or shared, by which call and which process.
 *
 * Usually usrun clones init into new namespaces, and init creates the rest. A stager, a process
 * between the two, is needed only where the kernel forces it:
 * - joining a pid or time namespace only affects children;
 * - time offsets can be written only before the first process is inside;
 * - joining a user namespace loses the privileges over namespaces outside of it, and creating one
 *   loses those over namespaces to be joined: somebody has to join those first. */
#include "src/plan/plan_parts.h"

#include "src/oci/names.h"

#include <linux/sched.h>
#include <sched.h>

static void read_config(struct plan *plan)
{
	const struct oci_linux *linux_ = plan->config->linux_;

	for (size_t i = 0; linux_ && i < linux_->namespaces.n; i++) {
		const struct oci_namespace *ns = &linux_->namespaces.v[i];

		for (int kind = 0; kind < PLAN_NS_COUNT; kind++) {
			if (names_namespaces[kind].value != ns->type)
				continue;
			plan->ns.v[kind].action = ns->path ? NS_JOIN : NS_NEW;
			plan->ns.v[kind].path = ns->path;
		}
	}
	plan->ns.offsets = linux_ ? linux_->time_offsets : NULL;
}

static bool joins(const struct plan *plan, enum plan_ns kind)
{
	return plan->ns.v[kind].action == NS_JOIN;
}

static void add_userns(struct plan_build *b)
{
	struct ns_plan *ns = &b->plan->ns;

	if (ns->v[PLAN_NS_USER].action != NS_KEEP ||
	    (powers_derive(b->plan->facts, false) & POWER_NAMESPACES))
		return;
	ns->v[PLAN_NS_USER].action = NS_NEW;
	ns->why_user = "the caller may not make namespaces without a user namespace";
}

static void set_flags(struct plan *plan)
{
	bool other_join = false;

	for (int kind = PLAN_NS_USER + 1; kind < PLAN_NS_COUNT; kind++)
		other_join |= joins(plan, kind);
	if (plan_parts_creates(plan, PLAN_NS_USER))
		plan->flags |= PLAN_USERNS_NEW;
	if (joins(plan, PLAN_NS_USER))
		plan->flags |= PLAN_USERNS_JOIN;
	if (other_join)
		plan->flags |= PLAN_NS_JOIN;
	if (joins(plan, PLAN_NS_PID))
		plan->flags |= PLAN_PIDNS_JOIN;
	if (plan->ns.offsets)
		plan->flags |= PLAN_TIME_OFFSETS;
	if (plan_parts_creates(plan, PLAN_NS_CGROUP))
		plan->flags |= PLAN_CGROUPNS;
	if (plan_parts_creates(plan, PLAN_NS_NET))
		plan->flags |= PLAN_NET_NEW;
	if (plan_parts_creates(plan, PLAN_NS_MOUNT))
		plan->flags |= PLAN_MNTNS_NEW | PLAN_MOUNTS;
	if (joins(plan, PLAN_NS_USER) || joins(plan, PLAN_NS_PID) || joins(plan, PLAN_NS_TIME) ||
	    plan->ns.offsets || (plan_parts_creates(plan, PLAN_NS_USER) && other_join))
		plan->flags |= PLAN_STAGER;
}

/* Whether init's files in a network or ipc namespace created together with the user namespace would
 * have the right owner: only if the caller is the container's root. */
static bool caller_is_root_inside(const struct plan *plan)
{
	const struct caller *caller = &plan->facts->caller;

	return idmap_to_host(&plan->idmap.uid, 0) == caller->uid &&
	       idmap_to_host(&plan->idmap.gid, 0) == caller->gid;
}

static void choose_calls(struct plan *plan)
{
	unsigned int all = 0, late = 0;

	for (int kind = 0; kind < PLAN_NS_COUNT; kind++)
		if (plan_parts_creates(plan, kind))
			all |= (unsigned int)names_namespaces[kind].value;
	/* A cgroup namespace is rooted at its creator's cgroup, so init creates it once it is in
	 * its own. A time namespace with offsets has a step of its own. */
	all &= ~(unsigned int)CLONE_NEWCGROUP;
	if (plan->ns.offsets)
		all &= ~(unsigned int)CLONE_NEWTIME;
	if (plan->flags & PLAN_STAGER) {
		/* The user and mount namespaces have rows of their own. */
		plan->ns.unshare_flags = all & ~(unsigned int)(CLONE_NEWUSER | CLONE_NEWNS);
		return;
	}
	if ((plan->flags & PLAN_USERNS_NEW) && !caller_is_root_inside(plan))
		late = all & (CLONE_NEWNET | CLONE_NEWIPC);
	/* Creating a network namespace takes most of a millisecond. The parent need not wait for
	 * that: it has maps to write, and cgroups to create. */
	plan->ns.early_flags = all & (CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) & ~late;
	plan->ns.clone_flags = all & ~late & ~plan->ns.early_flags;
	plan->ns.unshare_flags = late;
}

int plan_ns_build(struct plan_build *b, struct err *err)
{
	int r;

	read_config(b->plan);
	add_userns(b);
	set_flags(b->plan);
	b->plan->powers = powers_derive(b->plan->facts, b->plan->flags & PLAN_USERNS_NEW);
	r = plan_idmap_build(b, err);
	if (r < 0)
		return r;
	choose_calls(b->plan);
	return 0;
}
