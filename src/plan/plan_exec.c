/* SPDX-License-Identifier: Apache-2.0 */
/* exec: a process object from the container's own and the command line, and the plan for it. */
#include "src/plan/plan_parts.h"

#include "src/base/parse.h"
#include "src/base/str.h"
#include "src/oci/check.h"
#include "src/oci/names.h"

#include <sched.h>
#include <string.h>

/* Parses the requested id, or fails: "1000" must never become 0 (CVE-2026-30892). */
static int parse_user(struct arena *arena, const char *text, struct oci_user *user, struct err *err)
{
	const char *colon = strchr(text, ':');
	const char *uid = colon ? arena_strndup(arena, text, (size_t)(colon - text)) : text;
	uint32_t uid_value, gid_value = 0;

	if (parse_id(uid, &uid_value) < 0 || (colon && parse_id(colon + 1, &gid_value) < 0))
		return err_set(
			err, EINVAL,
			"--user: expected UID[:GID], numbers from 0 to 4294967294, got \"%s\"",
			text);
	user->uid = (struct json_uint){ true, uid_value };
	if (colon)
		user->gid = (struct json_uint){ true, gid_value };
	return 0;
}

static int set_user(struct arena *arena, const struct plan_exec_process *asked,
		    struct oci_process *process, struct err *err)
{
	struct oci_user *user = arena_new(arena, struct oci_user);
	int64_t *groups = arena_array(arena, asked->groups.n + 1, sizeof(*groups));
	int r = 0;

	if (process->user)
		*user = *process->user;
	process->user = user;
	if (asked->user)
		r = parse_user(arena, asked->user, user, err);
	for (size_t i = 0; r == 0 && i < asked->groups.n; i++) {
		uint32_t gid = 0;

		if (parse_id(asked->groups.v[i], &gid) < 0)
			r = err_set(err, EINVAL,
				    "--additional-gids: expected a number from 0 to 4294967294, "
				    "got \"%s\"",
				    asked->groups.v[i]);
		groups[i] = gid;
	}
	if (asked->groups.n) {
		user->additional_gids.v = groups;
		user->additional_gids.n = asked->groups.n;
	}
	return r;
}

/* A PWD that names the directory of the container's own process goes along to another one. */
static void move_to(struct arena *arena, const char *dir, struct oci_process *process)
{
	const char *pwd = str_env_find(process->env.v, process->env.n, "PWD"), *moved;

	if (pwd && process->cwd && strcmp(pwd, process->cwd) == 0) {
		moved = arena_strf(arena, "PWD=%s", dir);
		process->env.v = str_list(arena, process->env.v, process->env.n++, &moved, 1);
	}
	process->cwd = dir;
}

/* If a name occurs several times, the plan takes the last value. */
static int add_env(struct arena *arena, const struct plan_texts *add, struct oci_process *process,
		   struct err *err)
{
	for (size_t i = 0; i < add->n; i++)
		if (add->v[i][0] == '=' || !strchr(add->v[i], '='))
			return err_set(err, EINVAL, "--env: expected NAME=VALUE, got \"%s\"",
				       add->v[i]);
	process->env.v = str_list(arena, process->env.v, process->env.n, add->v, add->n);
	process->env.n += add->n;
	return 0;
}

/* Never inheritable: a program in the container could pass them on through files (CVE-2022-29162).
 * Ambient, as in runc, only if the container's own process has inheritable ones. */
static void add_caps(struct arena *arena, const struct plan_texts *add, struct oci_process *process)
{
	struct oci_capabilities *caps = arena_new(arena, struct oci_capabilities);

	if (!add->n)
		return;
	if (process->capabilities)
		*caps = *process->capabilities;
	caps->bounding.v = str_list(arena, caps->bounding.v, caps->bounding.n, add->v, add->n);
	caps->permitted.v = str_list(arena, caps->permitted.v, caps->permitted.n, add->v, add->n);
	caps->effective.v = str_list(arena, caps->effective.v, caps->effective.n, add->v, add->n);
	if (caps->inheritable.n) {
		caps->ambient.v = str_list(arena, caps->ambient.v, caps->ambient.n, add->v, add->n);
		caps->ambient.n += add->n;
	}
	caps->bounding.n += add->n;
	caps->permitted.n += add->n;
	caps->effective.n += add->n;
	process->capabilities = caps;
}

static int from_options(struct arena *arena, const struct plan_exec_process *asked,
			struct oci_process *process, struct err *err)
{
	int r;

	if (!asked->args.n) {
		(void)err_set(err, EINVAL, "exec failed: exec args cannot be empty");
		return err_hint(err, "add a command after the id, such as sh, or --process FILE");
	}
	process->args.v = str_list(arena, asked->args.v, asked->args.n, NULL, 0);
	process->args.n = asked->args.n;
	process->terminal = (struct json_bool){ true, asked->tty };
	process->console_size = NULL;
	if (asked->cwd)
		move_to(arena, asked->cwd, process);
	if (!process->cwd)
		process->cwd = "/";
	if (asked->no_new_privs)
		process->no_new_privileges = (struct json_bool){ true, true };
	if (asked->apparmor)
		process->apparmor_profile = asked->apparmor;
	if (asked->label)
		process->selinux_label = asked->label;
	add_caps(arena, &asked->caps, process);
	r = add_env(arena, &asked->env, process, err);
	if (r == 0)
		r = set_user(arena, asked, process, err);
	return r < 0 ? r : check_process(process, NULL, "process", NULL, 0, err);
}

/* Copies members that a process file omits from the container's own process. */
static void inherit(struct oci_process *process, const struct oci_process *own)
{
	if (!process->capabilities)
		process->capabilities = own->capabilities;
	if (!process->rlimits.v)
		process->rlimits = own->rlimits;
	if (!process->no_new_privileges.set)
		process->no_new_privileges = own->no_new_privileges;
	if (!process->oom_score_adj.set)
		process->oom_score_adj = own->oom_score_adj;
	if (!process->apparmor_profile)
		process->apparmor_profile = own->apparmor_profile;
	if (!process->selinux_label)
		process->selinux_label = own->selinux_label;
	if (!process->scheduler)
		process->scheduler = own->scheduler;
	if (!process->io_priority)
		process->io_priority = own->io_priority;
	if (!process->exec_cpu_affinity)
		process->exec_cpu_affinity = own->exec_cpu_affinity;
}

/* A process without a umask of its own gets the container's. */
static void inherit_umask(struct arena *arena, struct oci_process *process,
			  const struct oci_process *own)
{
	struct oci_user *user = arena_new(arena, struct oci_user);

	if (!own->user || !own->user->umask.set || (process->user && process->user->umask.set))
		return;
	if (process->user)
		*user = *process->user;
	user->umask = own->user->umask;
	process->user = user;
}

int plan_exec_process(struct arena *arena, const struct plan_exec_process *asked,
		      const struct oci_process *own, const struct oci_process **ret,
		      struct err *err)
{
	struct oci_process *process = arena_new(arena, struct oci_process);
	int r = 0;

	*ret = process;
	if (own)
		*process = *own;
	if (!asked->file) {
		r = from_options(arena, asked, process, err);
	} else {
		*process = *asked->file;
		if (asked->tty)
			process->terminal = (struct json_bool){ true, true };
		if (own)
			inherit(process, own);
	}
	if (r == 0 && own)
		inherit_umask(arena, process, own);
	return r;
}

static bool has_own_mounts(const struct oci_linux *linux_)
{
	for (size_t i = 0; linux_ && i < linux_->namespaces.n; i++)
		if (linux_->namespaces.v[i].type == CLONE_NEWNS)
			return !linux_->namespaces.v[i].path;
	return false;
}

static void join_namespaces(struct plan *plan, const struct plan_exec_request *request)
{
	for (size_t i = 0; i < request->n_namespaces; i++)
		plan->ns.join_flags |=
			(unsigned int)json_read_enum(names_namespaces, request->namespaces[i]);
	plan->ns.shared_mounts =
		!(plan->ns.join_flags & CLONE_NEWNS) || !has_own_mounts(plan->config->linux_);
	if (plan->ns.join_flags & CLONE_NEWUSER)
		plan->flags |= PLAN_USERNS_JOIN;
	plan->powers = powers_derive(plan->facts, plan->ns.join_flags & CLONE_NEWUSER);
}

int plan_exec_mounts(struct arena *arena, const struct plan_exec_request *request,
		     const struct oci_config *mounts, const struct plan **ret, struct err *err)
{
	struct oci_config *config = arena_new(arena, struct oci_config);
	struct plan *plan = arena_new(arena, struct plan);
	struct plan_build b = { .arena = arena, .plan = plan };

	*config = *request->config;
	config->mounts = mounts->mounts;
	plan->config = config;
	plan->facts = request->facts;
	plan->options = request->options;
	join_namespaces(plan, request);
	/* Stays out of the pid namespace, where processes could see it. */
	plan->ns.join_flags &= ~(unsigned int)(CLONE_NEWPID | 0x80 /* CLONE_NEWTIME */);
	if (plan->ns.shared_mounts)
		return err_set(err, ENOTSUP,
			       "container %s has no mount namespace of its own, so others would "
			       "see the change",
			       request->options->id);
	plan->rootfs.path = request->rootfs;
	*ret = plan;
	if (!request->removes)
		return plan_mounts_build_added(&b, err);
	plan_mounts_build_places(&b);
	return 0;
}

/* An empty list is the same as none. */
static const struct oci_cpu_affinity *affinity_of(struct arena *arena,
						  const struct oci_process *process)
{
	const struct oci_cpu_affinity *asked = process->exec_cpu_affinity;
	struct oci_cpu_affinity *affinity = arena_new(arena, struct oci_cpu_affinity);

	if (!asked)
		return NULL;
	affinity->initial = asked->initial && *asked->initial ? asked->initial : NULL;
	affinity->final = asked->final && *asked->final ? asked->final : NULL;
	return affinity;
}

int plan_exec_build(struct arena *arena, const struct plan_exec_request *request,
		    const struct plan **ret, struct err *err)
{
	struct plan *plan = arena_new(arena, struct plan);
	struct plan_build b = { .arena = arena, .plan = plan };
	const struct oci_process *process = request->process;
	int r;

	plan->config = request->config;
	plan->facts = request->facts;
	plan->options = request->options;
	join_namespaces(plan, request);
	/* Joining a pid or time namespace affects only the children of the process. */
	if (plan->ns.join_flags & (CLONE_NEWUSER | CLONE_NEWPID | 0x80 /* CLONE_NEWTIME */))
		plan->flags |= PLAN_STAGER | PLAN_NS_JOIN;
	if (request->has_cgroup)
		plan->flags |= PLAN_CGROUP;
	if (request->has_unit)
		plan->flags |= PLAN_CGROUP_UNIT;
	if (!request->options->no_new_keyring)
		plan->process.keyring = request->options->id;
	r = plan_handler_apply_exec(&b, request->handler, &process, err);
	if (r == 0)
		r = plan_process_build(&b, process, err);
	if (r < 0)
		return r;
	plan->process.needs_groups = request->needs_groups;
	plan->rdt = plan_rdt(arena, plan->config, plan->options->id);
	plan->process.affinity = affinity_of(arena, request->process);
	plan->warnings = b.warnings;
	plan->n_warnings = b.n_warnings;
	*ret = plan;
	return 0;
}
