/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan.h"

#include "src/base/str.h"
#include "src/oci/annotations.h"
#include "src/plan/plan_cgroup.h"
#include "src/plan/plan_parts.h"

#include <string.h>

#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>

/* Whether the container sees its cgroup's files, and they are not read-only. */
static bool shows_writable_cgroup(const struct plan *plan)
{
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
		.delegates = plan_parts_creates(b->plan, PLAN_NS_CGROUP) &&
			     shows_writable_cgroup(b->plan),
	};
	int r = plan_cgroup_build(b->arena, b->plan->config, b->plan->facts, &options,
				  &b->plan->cgroup, err);

	if (r < 0)
		return r;
	if (cgroup_place_is_group(&b->plan->cgroup.place))
		b->plan->flags |= PLAN_CGROUP;
	if (b->plan->cgroup.unit)
		b->plan->flags |= PLAN_CGROUP_UNIT;
	else if (b->plan->cgroup.place.kind == CGROUP_DRIVER_V1 &&
		 !(b->plan->flags & (PLAN_STAGER | PLAN_USERNS_NEW)))
		b->plan->flags |= PLAN_CGROUP_LATE;
	/* A caller that asked for no cgroup, such as `do` without limits, has lost nothing. */
	if (b->plan->cgroup.why && !b->plan->options->sandbox)
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

/* Start hooks are children of a process that already has its scheduling policy. */
static int check_start_hooks(const struct plan *plan, struct err *err)
{
	const struct oci_scheduler *s = plan->process.scheduler;
	int64_t flags = 0;

	if (!(plan->flags & PLAN_HOOKS_START) || !s || s->policy != SCHED_DEADLINE)
		return 0;
	for (size_t i = 0; i < s->flags.n; i++)
		flags |= s->flags.v[i];
	if (flags & SCHED_FLAG_RESET_ON_FORK)
		return 0;
	(void)err_set(err, EINVAL,
		      ERR_AT "process.scheduler: a process under SCHED_DEADLINE may not fork, "
			     "so its startContainer hooks could not run");
	return err_hint(err, "add SCHED_FLAG_RESET_ON_FORK to process.scheduler.flags");
}

/* Delegates only with a cgroup namespace, out of which the container cannot climb, and only if it
 * could write there. */
static void set_delegation(struct plan *plan)
{
	const uint32_t needed = PLAN_CGROUP | PLAN_CGROUPNS | PLAN_USERNS_NEW;
	int64_t uid = idmap_to_host(&plan->idmap.uid, 0), gid = idmap_to_host(&plan->idmap.gid, 0);

	if ((plan->flags & needed) != needed || !shows_writable_cgroup(plan) || uid < 0 || gid < 0)
		return;
	plan->cgroup.delegate = uid != plan->facts->caller.uid || gid != plan->facts->caller.gid;
	plan->cgroup.delegate_uid = (uint32_t)uid;
	plan->cgroup.delegate_gid = (uint32_t)gid;
}

struct rdt_plan plan_rdt(struct arena *arena, const struct oci_config *config, const char *id)
{
	const struct oci_rdt *rdt = config->linux_ ? config->linux_->intel_rdt : NULL;
	struct rdt_plan plan = { 0 };
	const char **lines;

	if (!rdt)
		return plan;
	plan.own = !rdt->clos_id;
	plan.group = plan.own ? id : str_equal(rdt->clos_id, "/") ? "." : rdt->clos_id;
	if (rdt->enable_monitoring.v)
		plan.monitor = arena_strf(arena, "%s/mon_groups/%s", plan.group, id);
	lines = arena_array(arena, rdt->schemata.n + 2, sizeof(*lines));
	if (rdt->l3_cache_schema)
		lines[plan.n_lines++] = rdt->l3_cache_schema;
	if (rdt->mem_bw_schema)
		lines[plan.n_lines++] = rdt->mem_bw_schema;
	for (size_t i = 0; i < rdt->schemata.n; i++)
		lines[plan.n_lines++] = rdt->schemata.v[i];
	plan.lines = lines;
	return plan;
}

static const char *place_of(const struct plan_options *options)
{
	/* An abstract name is not a path. */
	return *options->notify_socket == '/' ? options->notify_socket : "/run/notify";
}

/* A service manager waits for the program's "READY=1", but its socket is out of the container's
 * reach. The program gets a socket of ours instead, in a directory at the path of the manager's;
 * the config gets another mount and variable for that. An engine that handles this itself has set
 * the variable already. */
static void add_notify_socket(struct plan_build *b)
{
	static const char *options[] = { "bind", "ro", "nosuid", "nodev", "noexec" };
	const struct plan_options *o = b->plan->options;
	const struct oci_process *process = b->plan->config->process;
	struct oci_config *config;
	struct oci_process *changed;
	struct oci_mount *mounts;
	const char **env;
	char *place;

	if (!o->notify_path || !process ||
	    str_env_find(process->env.v, process->env.n, "NOTIFY_SOCKET"))
		return;
	config = arena_new(b->arena, struct oci_config);
	changed = arena_new(b->arena, struct oci_process);
	*config = *b->plan->config;
	*changed = *process;
	mounts = arena_grow(b->arena, config->mounts.v, config->mounts.n, config->mounts.n + 1,
			    sizeof(*mounts));
	place = arena_strf(b->arena, "%s/notify", place_of(o));
	mounts[config->mounts.n] = (struct oci_mount){ .destination = place,
						       .type = "bind",
						       .source = o->notify_path };
	mounts[config->mounts.n].options.v = options;
	mounts[config->mounts.n].options.n = sizeof(options) / sizeof(options[0]);
	config->mounts.v = mounts;
	config->mounts.n++;
	env = arena_grow(b->arena, process->env.v, process->env.n, process->env.n + 2,
			 sizeof(*env));
	env[changed->env.n++] = arena_strf(b->arena, "NOTIFY_SOCKET=%s", place);
	if (o->watchdog_usec && !str_env_find(process->env.v, process->env.n, "WATCHDOG_USEC"))
		env[changed->env.n++] = arena_strf(b->arena, "WATCHDOG_USEC=%s", o->watchdog_usec);
	changed->env.v = env;
	config->process = changed;
	b->plan->config = config;
	b->plan->notify = true;
}

static int absolute(struct plan_build *b, const char *name, const char **ret, struct err *err)
{
	const struct oci_config *config = b->plan->config;
	const char *value = annotations_find(config->annotations.v, config->annotations.n, name);

	/* Later commands, called in other directories, run hooks, too. */
	if (value && *value != '/')
		return err_set(err, EINVAL,
			       ERR_AT "annotations[\"%s\"]: expected an absolute path, got "
				      "\"%s\"",
			       name, value);
	*ret = value;
	return 0;
}

/* Without a pid namespace of its own, the container has no init to replace. */
static void build_reaper(struct plan_build *b)
{
	const struct oci_config *config = b->plan->config;
	const char *value =
		annotations_find(config->annotations.v, config->annotations.n, ANNOTATIONS_INIT);

	if (!value || str_equal(value, "0"))
		return;
	b->plan->process.reaper = plan_parts_creates(b->plan, PLAN_NS_PID);
	if (!b->plan->process.reaper)
		plan_parts_warn(
			b,
			"annotations[\"%s\"] is ignored: the container has no pid namespace "
			"of its own",
			ANNOTATIONS_INIT);
}

/* Handles annotations beyond the specification (usrun-annotations(5)). */
static int build_annotations(struct plan_build *b, struct err *err)
{
	const struct oci_config *config = b->plan->config;
	const char *wasm = annotations_find(config->annotations.v, config->annotations.n,
					    ANNOTATIONS_WASM_VARIANT);
	int r = absolute(b, ANNOTATIONS_HOOKS_STDOUT, &b->plan->hooks_stdout, err);

	if (r == 0)
		r = absolute(b, ANNOTATIONS_HOOKS_STDERR, &b->plan->hooks_stderr, err);
	if (r == 0)
		r = absolute(b, ANNOTATIONS_PIDFD_RECEIVER, &b->plan->pidfd_receiver, err);
	if (r < 0)
		return r;
	build_reaper(b);
	if (wasm && !str_equal(wasm, "compat") && !str_equal(wasm, "compat-smart"))
		plan_parts_warn(b,
				"annotations[\"" ANNOTATIONS_WASM_VARIANT
				"\"]: \"%s\" is neither compat nor compat-smart, and ignored",
				wasm);
	for (size_t i = 0; i < config->annotations.n; i++) {
		const char *name = config->annotations.v[i].key;

		if (annotations_is_ours(name) && !annotations_is_known(name))
			plan_parts_warn(b, "annotations[\"%s\"]: unknown, and ignored", name);
	}
	return 0;
}

static int build_parts(struct plan_build *b, struct err *err)
{
	struct plan *plan = b->plan;
	const struct oci_config *config = plan->config;
	int r = plan_ns_build(b, err);

	if (r == 0)
		r = plan_mounts_build(b, err);
	if (r == 0)
		r = plan_devices_build_net(b, err);
	if (r == 0)
		r = plan_devices_build(b, err);
	if (r == 0)
		r = build_cgroup(b, err);
	set_hook_flags(plan);
	if (r == 0)
		r = plan_process_build(b, config->process, err);
	if (r < 0)
		return r;
	plan->rdt = plan_rdt(b->arena, config, plan->options->id);
	r = build_annotations(b, err);
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
	r = plan_net_build(b, err);
	if (r < 0)
		return r;
	set_delegation(plan);
	return check_start_hooks(plan, err);
}

static void warn_of_version(struct plan_build *b, const char *version)
{
	const char *dot = version ? strchr(version, '.') : NULL;

	if (dot && (*version == '0' || !strchr(dot + 1, '.')))
		plan_parts_warn(b, "ociVersion: \"%s\" is treated as 1.0.0", version);
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
	warn_of_version(&b, config->oci_version);
	r = plan_net_ask(&b, err);
	if (r < 0)
		return r;
	add_notify_socket(&b);
	r = plan_handler_apply(&b, err);
	if (r < 0)
		return r;
	if (options->listen_ignored)
		plan_parts_warn(&b, "LISTEN_FDS is ignored: %s", options->listen_ignored);
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
	if (plan_cgroup_needs_manager(config, options->cgroup_manager, false))
		parts |= FACTS_SYSTEMD;
	for (size_t i = 0; linux_ && i < linux_->namespaces.n; i++)
		if (linux_->namespaces.v[i].type == CLONE_NEWUSER && !linux_->namespaces.v[i].path)
			parts |= FACTS_USERNS;
	if (linux_ && linux_->mount_label)
		parts |= FACTS_KERNEL;
	if (linux_ && linux_->resources &&
	    (linux_->resources->hugepage_limits.n || linux_->resources->rdma.n))
		parts |= FACTS_UNIFIED;
	return parts | plan_process_facts_needed(config->process);
}
