/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan.h"

#include "src/base/str.h"
#include "src/plan/plan_cgroup.h"
#include "src/plan/plan_parts.h"

#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>

void plan_parts_warn(struct plan_build *b, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	va_start(ap, fmt);
	str_line(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (b->n_warnings == b->cap_warnings) {
		b->cap_warnings = b->cap_warnings ? 2 * b->cap_warnings : 8;
		b->warnings = arena_grow(b->arena, b->warnings, b->n_warnings, b->cap_warnings,
					 sizeof(*b->warnings));
	}
	b->warnings[b->n_warnings++].text = arena_strdup(b->arena, text);
}

/* The container can write to files of its cgroup. */
static bool delegates(const struct plan *plan)
{
	if (plan->ns.v[PLAN_NS_CGROUP].action != NS_NEW)
		return false;
	for (size_t i = 0; i < plan->rootfs.n_mounts; i++)
		if (plan->rootfs.mounts[i].kind == MOUNT_CGROUP &&
		    !(plan->rootfs.mounts[i].attr_set & MOUNT_ATTR_RDONLY))
			return true;
	return false;
}

static int build_cgroup(struct plan_build *b, struct err *err)
{
	struct plan_cgroup_options options = {
		.id = b->plan->options->id,
		.manager = b->plan->options->cgroup_manager,
		.may_own_cgroups = b->plan->powers & POWER_OWN_CGROUPS,
		.delegates = delegates(b->plan),
	};
	int r = plan_cgroup_build(b->arena, b->plan->config, b->plan->facts, &options,
				  &b->plan->cgroup, err);

	if (r < 0)
		return r;
	if (b->plan->cgroup.driver != CGROUP_DRIVER_NONE)
		b->plan->flags |= PLAN_CGROUP;
	if (b->plan->cgroup.unit)
		b->plan->flags |= PLAN_CGROUP_UNIT;
	else if (b->plan->cgroup.driver == CGROUP_DRIVER_V1 &&
		 !(b->plan->flags & (PLAN_STAGER | PLAN_USERNS_NEW)))
		b->plan->flags |= PLAN_CGROUP_LATE;
	if (b->plan->cgroup.why)
		plan_parts_warn(b, "%s", b->plan->cgroup.why);
	return 0;
}

static void set_hook_flags(struct plan *plan)
{
	const struct oci_hooks *hooks = plan->config->hooks;

	if (!hooks)
		return;
	if (hooks->prestart.n || hooks->create_runtime.n)
		plan->flags |= PLAN_HOOKS_RUNTIME;
	if (hooks->create_container.n)
		plan->flags |= PLAN_HOOKS_CONTAINER;
	if (hooks->start_container.n)
		plan->flags |= PLAN_HOOKS_START;
	if (hooks->poststart.n)
		plan->flags |= PLAN_HOOKS_POSTSTART;
}

/* The hooks are children of a process that has its scheduling already. */
static int check_start_hooks(const struct plan *plan, struct err *err)
{
	const struct oci_scheduler *s = plan->process.scheduler;
	int64_t flags = 0;

	if (!(plan->flags & PLAN_HOOKS_START) || !s || s->policy != SCHED_DEADLINE + 1)
		return 0;
	for (size_t i = 0; i < s->flags.n; i++)
		flags |= s->flags.v[i];
	if (flags & SCHED_FLAG_RESET_ON_FORK)
		return 0;
	(void)err_set(
		err, EINVAL,
		"config.json: process.scheduler: a process under SCHED_DEADLINE may not fork, "
		"so its startContainer hooks could not run");
	err_hint(err, "add SCHED_FLAG_RESET_ON_FORK to process.scheduler.flags");
	return -EINVAL;
}

/* Only with a cgroup namespace, behind which the container cannot climb, and only when it could write there. */
static void set_delegation(struct plan *plan)
{
	const uint32_t needed = PLAN_CGROUP | PLAN_CGROUPNS | PLAN_USERNS_NEW;
	int64_t uid = idmap_to_host(&plan->idmap.uid, 0), gid = idmap_to_host(&plan->idmap.gid, 0);
	bool writable = false;

	for (size_t i = 0; i < plan->rootfs.n_mounts; i++) {
		const struct mount_entry *m = &plan->rootfs.mounts[i];

		if (m->kind == MOUNT_CGROUP)
			writable = !((m->attr_set | m->rattr_set) & MOUNT_ATTR_RDONLY);
	}
	if ((plan->flags & needed) != needed || !writable || uid < 0 || gid < 0)
		return;
	plan->cgroup.delegate = uid != plan->facts->caller.uid || gid != plan->facts->caller.gid;
	plan->cgroup.delegate_uid = (uint32_t)uid;
	plan->cgroup.delegate_gid = (uint32_t)gid;
}

static bool makes_v2_group(const struct cgroup_plan *cgroup)
{
	for (size_t i = 0; i < cgroup->n_dirs; i++)
		if (!*cgroup->dirs[i].controllers)
			return true;
	return false;
}

/* Init and its namespaces end with usrun, so they need no word on disk; and writing it takes as long as they do. */
static void set_state_time(struct plan *plan)
{
	uint32_t group = plan->flags & (PLAN_CGROUP | PLAN_CGROUP_UNIT | PLAN_CGROUP_LATE);

	if (plan->notify || plan->rdt.group || plan->rdt.monitor || group == PLAN_CGROUP)
		return;
	if (!(group & PLAN_CGROUP_LATE) || !makes_v2_group(&plan->cgroup))
		plan->flags |= PLAN_STATE_LATE;
}

static int build_parts(struct plan_build *b, struct err *err)
{
	struct plan *plan = b->plan;
	const struct oci_config *config = plan->config;
	int r = plan_ns_build(b, err);

	if (r == 0)
		r = plan_mounts_build(b, err);
	if (r == 0)
		r = plan_net_build(b, err);
	if (r == 0)
		r = plan_devices_build(b, err);
	if (r == 0)
		r = build_cgroup(b, err);
	set_hook_flags(plan);
	if (r == 0)
		r = plan_process_build(b, config->process, err);
	if (r < 0)
		return r;
	plan_rdt_build(b);
	r = plan_annotations_build(b, err);
	if (r < 0)
		return r;
	plan->hostname = config->hostname;
	plan->domainname = config->domainname;
	if (config->linux_) {
		plan->sysctl = config->linux_->sysctl.v;
		plan->n_sysctl = config->linux_->sysctl.n;
	}
	if (!plan->options->no_new_keyring)
		plan->process.keyring = plan->options->id;
	if (plan->options->wait_start)
		plan->flags |= PLAN_WAIT_START;
	set_delegation(plan);
	set_state_time(plan);
	return check_start_hooks(plan, err);
}

int plan_build(struct arena *arena, const struct oci_config *config, const struct facts *facts,
	       const struct plan_options *options, const struct plan **ret, struct err *err)
{
	struct plan *plan = arena_new(arena, struct plan);
	struct plan_build b = { .arena = arena, .plan = plan };
	int r;

	plan->config = config;
	plan->facts = facts;
	plan->options = options;
	plan_notify_build(&b);
	r = build_parts(&b, err);
	if (r < 0)
		return r;
	plan->warnings = b.warnings;
	plan->n_warnings = b.n_warnings;
	*ret = plan;
	return 0;
}

unsigned int plan_facts_needed(const struct oci_config *config, const struct plan_options *options)
{
	const struct oci_linux *linux_ = config->linux_;
	unsigned int parts = FACTS_CALLER;

	if (!str_equal(options->cgroup_manager, "disabled"))
		parts |= FACTS_CGROUP;
	if (plan_cgroup_needs_manager(config, options->cgroup_manager, true))
		parts |= FACTS_SYSTEMD;
	for (size_t i = 0; linux_ && i < linux_->namespaces.n; i++)
		if (linux_->namespaces.v[i].type == CLONE_NEWUSER && !linux_->namespaces.v[i].path)
			parts |= FACTS_USERNS;
	if (linux_ && linux_->mount_label)
		parts |= FACTS_KERNEL;
	return parts | plan_process_facts_needed(config->process);
}

bool plan_flags_consistent(uint32_t flags)
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
	/* A stager has a reason. */
	if (stager && !(flags & (PLAN_USERNS_JOIN | PLAN_NS_JOIN | PLAN_TIME_OFFSETS)))
		return false;
	if ((flags & PLAN_MOUNTS_BY_PARENT) && !(flags & PLAN_MNTNS_NEW))
		return false;
	if ((flags & PLAN_NET_DEVICES) && !(flags & (PLAN_NET_NEW | PLAN_NS_JOIN)))
		return false;
	if ((flags & PLAN_CGROUP_UNIT) && !(flags & PLAN_CGROUP))
		return false;
	/* In another user namespace init could not open the files of its groups. */
	if ((flags & PLAN_CGROUP_LATE) &&
	    (!(flags & PLAN_CGROUP) ||
	     (flags & (PLAN_CGROUP_UNIT | PLAN_USERNS_NEW | PLAN_STAGER))))
		return false;
	if ((flags & PLAN_STATE_LATE) &&
	    (flags & (PLAN_CGROUP | PLAN_CGROUP_UNIT | PLAN_CGROUP_LATE)) == PLAN_CGROUP)
		return false;
	if ((flags & PLAN_SECCOMP_EARLY) && !(flags & PLAN_SECCOMP))
		return false;
	if ((flags & PLAN_SECCOMP_NOTIFY) && !(flags & PLAN_SECCOMP_EARLY))
		return false;
	if ((flags & PLAN_SECCOMP) && (flags & PLAN_HOOKS_START) && !(flags & PLAN_SECCOMP_EARLY))
		return false;
	if ((flags & PLAN_CONSOLE_SOCKET) && !(flags & PLAN_TERMINAL))
		return false;
	return true;
}
