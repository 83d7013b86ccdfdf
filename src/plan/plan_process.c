/* SPDX-License-Identifier: Apache-2.0 */
/* The container's process: user, capabilities, limits, environment. create uses it for
 * config.json's process, exec for its own. */
#include "src/plan/plan_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "src/base/str.h"
#include "src/oci/annotations.h"
#include "src/oci/names.h"

struct variable {
	const char *text;
	size_t name_len;
	size_t index;
};

static int variable_compare(const void *a, const void *b)
{
	const struct variable *x = a, *y = b;
	size_t shorter = x->name_len < y->name_len ? x->name_len : y->name_len;
	int r = memcmp(x->text, y->text, shorter);

	if (r == 0)
		r = (x->name_len > y->name_len) - (x->name_len < y->name_len);
	return r ? r : (x->index > y->index) - (x->index < y->index);
}

/* A name that occurs twice keeps its last value: getenv() inside would find the first, and we
 * search PATH, too. An empty HOME counts as none, so that it is filled in. */
static const char *const *environment(struct arena *arena, const char *const *env, size_t n_env,
				      size_t *ret_n)
{
	struct variable *sorted = arena_array(arena, n_env, sizeof(*sorted));
	const char **kept = arena_array(arena, n_env + 1, sizeof(*kept));
	size_t n = 0;

	for (size_t i = 0; i < n_env; i++) {
		kept[i] = env[i];
		sorted[i] = (struct variable){ env[i], strcspn(env[i], "="), i };
	}
	qsort(sorted, n_env, sizeof(*sorted), variable_compare);
	for (size_t i = 1; i < n_env; i++)
		if (sorted[i - 1].name_len == sorted[i].name_len &&
		    memcmp(sorted[i - 1].text, sorted[i].text, sorted[i].name_len) == 0)
			kept[sorted[i - 1].index] = NULL;
	for (size_t i = 0; i < n_env; i++)
		if (kept[i] && strcmp(kept[i], "HOME=") != 0)
			kept[n++] = kept[i];
	kept[n] = NULL;
	*ret_n = n;
	return kept;
}

/* Capabilities of any set that were ignored: each is told once. There are 64 at most, unless the
 * config makes names up; those are only counted. */
struct ignored_caps {
	const char *names[64];
	size_t n, more;
};

static void ignore_cap(struct plan_build *b, struct ignored_caps *ignored, const char *name,
		       const char *set)
{
	for (size_t i = 0; i < ignored->n; i++)
		if (str_equal(ignored->names[i], name))
			return;
	if (ignored->n == sizeof(ignored->names) / sizeof(ignored->names[0])) {
		ignored->more++;
		return;
	}
	ignored->names[ignored->n++] = name;
	plan_parts_warn(b,
			"process.capabilities.%s: ignoring unknown or unavailable capabilities: "
			"[%s]",
			set, name);
}

struct caps_set {
	const char *name;
	const char *const *v;
	size_t n;
	uint64_t *ret;
};

static void read_caps(struct plan_build *b, const struct caps_set *set, uint64_t available,
		      struct ignored_caps *ignored)
{
	*set->ret = 0;
	for (size_t i = 0; i < set->n; i++) {
		int cap = names_capability(set->v[i]);

		if (cap >= 0 && (available & (1ULL << cap)))
			*set->ret |= 1ULL << cap;
		else
			ignore_cap(b, ignored, set->v[i], set->name);
	}
}

/* Only a permitted capability can be effective, and only one that is inheritable as well can be
 * ambient. */
static void limit_caps(struct plan_build *b, const struct caps_set *set, uint64_t possible)
{
	for (size_t i = 0; i < set->n; i++) {
		int cap = names_capability(set->v[i]);
		uint64_t bit = cap >= 0 ? 1ULL << cap : 0;

		if (*set->ret & bit & ~possible)
			plan_parts_warn(b,
					"process.capabilities.%s: ignoring %s, which is not %s as "
					"well",
					set->name, set->v[i],
					b->plan->process.caps_permitted & bit ? "inheritable"
									      : "permitted");
		*set->ret &= ~(bit & ~possible);
	}
}

static void build_caps(struct plan_build *b, const struct oci_capabilities *caps)
{
	struct process_plan *p = &b->plan->process;
	const struct caps_set sets[] = {
#define SET(set) { #set, caps->set.v, caps->set.n, &p->caps_##set }
		SET(bounding),	  SET(permitted), SET(effective),
		SET(inheritable), SET(ambient),
#undef SET
	}, *effective = &sets[2], *ambient = &sets[4];
	struct ignored_caps ignored = { 0 };
	uint64_t available = ~0ULL;

	if (!(b->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN)))
		available = b->plan->facts->caller.caps_bounding;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		read_caps(b, &sets[i], available, &ignored);
	if (ignored.more)
		plan_parts_warn(b,
				"process.capabilities: ignoring %zu more unknown or unavailable "
				"capabilities",
				ignored.more);
	limit_caps(b, effective, p->caps_permitted);
	limit_caps(b, ambient, p->caps_permitted & p->caps_inheritable);
}

/* Hints at the option or file that would map an id. Nothing is added to explicit mappings, so these
 * must already contain the caller's own id. */
static int hint_unmapped(const struct plan_build *b, const char *kind, uint32_t id, struct err *err)
{
	const struct caller *caller = &b->plan->facts->caller;
	const struct oci_linux *linux_ = b->plan->config->linux_;
	const char *map = b->plan->options->map;
	uint32_t own = *kind == 'u' ? caller->uid : caller->gid;

	if (!(b->plan->flags & PLAN_USERNS_NEW))
		return err_hint(err, "start usrun in a user namespace that maps %s %u", kind, id);
	if (linux_ && linux_->uid_mappings.n && str_equal(kind, "group"))
		return err_hint(err, "list it in linux.gidMappings, or leave it out");
	if (linux_ && linux_->uid_mappings.n)
		return err_hint(err,
				"list it in linux.%sMappings, as containerID %u: hostID %u is the "
				"caller",
				kind, id, own);
	if (b->plan->idmap.writer != IDMAP_WRITER_SINGLE)
		return err_hint(err, "give the caller more subordinate ids: subuid(5)");
	return err_hint(err,
			"the container has a single id: %s--map=keep maps the caller to "
			"process.user, and subordinate ids add more (subuid(5))",
			str_equal(map, "single") ? "leave out --map=single, or " : "");
}

/* If setgroups() is denied, the container can neither gain groups nor drop the caller's. Engines
 * request root's groups from the image, whatever the user can map, so they are ignored. */
static int build_groups(struct plan_build *b, const struct oci_user *user, struct err *err)
{
	struct process_plan *p = &b->plan->process;
	uint32_t *groups = arena_array(b->arena, user->additional_gids.n + 1, sizeof(*groups));

	if (user->additional_gids.n && !p->set_groups && !p->keep_groups) {
		plan_parts_warn(b, "process.user.additionalGids: ignored, setgroups is denied in a "
				   "user namespace with a single id (subuid(5) gives a user more)");
		return 0;
	}
	p->n_groups = user->additional_gids.n;
	p->groups = groups;
	for (size_t i = 0; i < p->n_groups; i++) {
		groups[i] = (uint32_t)user->additional_gids.v[i];
		if (plan_parts_gid_mapped(b->plan, groups[i]))
			continue;
		(void)err_set(err, EINVAL,
			      ERR_AT "process.user.additionalGids[%zu]: gid %u is "
				     "not mapped in the user namespace",
			      i, groups[i]);
		return hint_unmapped(b, "group", groups[i], err);
	}
	return 0;
}

static int unmapped(struct plan_build *b, const char *kind, uint32_t id, struct err *err)
{
	(void)err_set(err, EINVAL,
		      ERR_AT "process.user.%s: cannot set%s to unmapped %s %u in user namespace",
		      kind, kind, kind, id);
	return hint_unmapped(b, kind, id, err);
}

static int build_user(struct plan_build *b, const struct oci_user *user, struct err *err)
{
	struct process_plan *p = &b->plan->process;
	const char *keep;

	p->umask = user && user->umask.set ? (uint32_t)user->umask.v : 0022;
	p->uid = user ? (uint32_t)user->uid.v : 0;
	p->gid = user ? (uint32_t)user->gid.v : 0;
	if (!plan_parts_uid_mapped(b->plan, p->uid))
		return unmapped(b, "uid", p->uid, err);
	if (!plan_parts_gid_mapped(b->plan, p->gid))
		return unmapped(b, "gid", p->gid, err);
	keep = annotations_find(b->plan->config->annotations.v, b->plan->config->annotations.n,
				ANNOTATIONS_KEEP_GROUPS);
	p->keep_groups = keep && !str_equal(keep, "0");
	p->set_groups = !p->keep_groups && ((b->plan->powers & POWER_SETGROUPS) ||
					    (b->plan->flags & PLAN_USERNS_JOIN));
	return user ? build_groups(b, user, err) : 0;
}

static int build_terminal(struct plan_build *b, const struct oci_process *process, struct err *err)
{
	const struct plan_options *options = b->plan->options;
	struct process_plan *p = &b->plan->process;
	bool left = options->wait_start || options->detach;
	bool kept = options->tty && left && !options->console_socket;

	p->terminal = process->terminal.v || options->tty;
	if (p->terminal && process->console_size) {
		p->rows = (uint32_t)process->console_size->height.v;
		p->columns = (uint32_t)process->console_size->width.v;
	}
	if (p->terminal && left && !options->console_socket && !kept) {
		(void)err_set(err, EINVAL,
			      ERR_AT "process.terminal: cannot allocate tty if usrun will "
				     "detach without setting console socket");
		return err_hint(
			err, "%s",
			options->is_exec
				? "name a listening socket with --console-socket, or leave "
				  "out --tty, or --detach"
			: options->wait_start
				? "name a listening socket with --console-socket, or set "
				  "process.terminal to false"
				: "add --tty, and `usrun attach` shows the terminal; or name "
				  "a listening socket with --console-socket, or set "
				  "process.terminal to false");
	}
	if (options->console_socket && !(p->terminal && left))
		return err_set(err, EINVAL,
			       "--console-socket: cannot use console socket if usrun will not "
			       "detach or allocate tty");
	if (p->terminal)
		b->plan->flags |= PLAN_TERMINAL;
	if (options->console_socket)
		b->plan->flags |= PLAN_CONSOLE_SOCKET;
	if (kept)
		b->plan->flags |= PLAN_CONSOLE_KEPT;
	return 0;
}

/* A hard limit above the caller's needs CAP_SYS_RESOURCE in the initial user namespace. */
static int check_limit(struct plan_build *b, size_t i, const struct rlimit_plan *limit,
		       struct err *err)
{
	const struct facts *facts = b->plan->facts;
	const struct facts_rlimit *own = &facts->limits[limit->resource];
	const char *name = json_read_enum_name(names_rlimits, limit->resource);

	if (!(facts->parts & facts_limit(limit->resource)) || limit->hard <= own->hard ||
	    (b->plan->powers & POWER_RAISE_LIMITS))
		return 0;
	(void)err_errno(err, EPERM,
			ERR_AT "process.rlimits[%zu].hard: %s %s is above the caller's %llu", i,
			name,
			limit->hard == UINT64_MAX
				? "unlimited"
				: arena_strf(b->arena, "%llu", (unsigned long long)limit->hard),
			(unsigned long long)own->hard);
	return err_hint(err, "raising a hard limit needs CAP_SYS_RESOURCE");
}

/* A created container receives its `start` through one more descriptor. Once it waits, nobody would
 * learn that it could not get that. */
static int check_wait(const struct plan_build *b, struct err *err)
{
	const struct plan_options *options = b->plan->options;
	const struct process_plan *p = &b->plan->process;
	uint64_t needed = 4ULL + options->preserve_fds + options->listen_fds;

	if (!options->wait_start || p->limits_setter == LIMITS_BY_INIT)
		return 0;
	for (size_t i = 0; i < p->n_rlimits; i++)
		if (p->rlimits[i].resource == RLIMIT_NOFILE && p->rlimits[i].soft < needed)
			return err_set(err, EINVAL,
				       ERR_AT
				       "process.rlimits[%zu].soft: RLIMIT_NOFILE %llu leaves too "
				       "few descriptors to wait for `start`, which needs %llu",
				       i, (unsigned long long)p->rlimits[i].soft,
				       (unsigned long long)needed);
	return 0;
}

static int build_limits(struct plan_build *b, const struct oci_process *process, struct err *err)
{
	struct process_plan *p = &b->plan->process;
	struct rlimit_plan *rlimits =
		arena_array(b->arena, process->rlimits.n + 1, sizeof(*rlimits));

	for (size_t i = 0; i < process->rlimits.n; i++) {
		int r;

		rlimits[i] = (struct rlimit_plan){ .resource = process->rlimits.v[i].type,
						   .soft = process->rlimits.v[i].soft.v,
						   .hard = process->rlimits.v[i].hard.v };
		r = check_limit(b, i, &rlimits[i], err);
		if (r < 0)
			return r;
	}
	p->rlimits = rlimits;
	p->n_rlimits = process->rlimits.n;
	/* The creator of a user namespace may set the limits of the processes in it. */
	if (!(b->plan->powers & POWER_RAISE_LIMITS) && !(b->plan->flags & PLAN_USERNS_NEW))
		p->limits_setter =
			b->plan->flags & PLAN_SECCOMP_EARLY ? LIMITS_BY_INIT_EARLY : LIMITS_BY_INIT;
	p->set_oom = process->oom_score_adj.set;
	p->oom_score_adj = (int)process->oom_score_adj.v;
	return check_wait(b, err);
}

unsigned int plan_process_facts_needed(const struct oci_process *process)
{
	unsigned int parts = FACTS_CALLER;

	for (size_t i = 0; process && i < process->rlimits.n; i++)
		parts |= facts_limit(process->rlimits.v[i].type);
	return parts;
}

static bool notifies(const struct oci_seccomp *seccomp)
{
	for (size_t i = 0; i < seccomp->syscalls.n; i++)
		if (seccomp->syscalls.v[i].action == OCI_SECCOMP_NOTIFY)
			return true;
	return false;
}

static void warn_of_numbers(struct plan_build *b, const struct oci_seccomp *seccomp)
{
	if (seccomp->default_action == OCI_SECCOMP_ALLOW && seccomp->default_errno_ret.set)
		plan_parts_warn(b, "linux.seccomp.defaultErrnoRet: ignored, SCMP_ACT_ALLOW has no "
				   "error number");
	for (size_t i = 0; i < seccomp->syscalls.n; i++)
		if (seccomp->syscalls.v[i].action == OCI_SECCOMP_ALLOW &&
		    seccomp->syscalls.v[i].errno_ret.set)
			plan_parts_warn(b,
					"linux.seccomp.syscalls[%zu].errnoRet: ignored, "
					"SCMP_ACT_ALLOW has no error number",
					i);
}

static void build_seccomp(struct plan_build *b)
{
	const struct oci_config *config = b->plan->config;
	const struct json_pair *v = config->annotations.v;
	struct process_plan *p = &b->plan->process;
	const char *strict;

	p->seccomp_bpf = annotations_find(v, config->annotations.n, ANNOTATIONS_SECCOMP_BPF);
	if (!p->seccomp && !p->seccomp_bpf)
		return;
	b->plan->flags |= PLAN_SECCOMP;
	if (p->seccomp)
		warn_of_numbers(b, p->seccomp);
	/* The programs of startContainer hooks come from the image, too. */
	if (!p->no_new_privs || (b->plan->flags & PLAN_HOOKS_START))
		b->plan->flags |= PLAN_SECCOMP_EARLY;
	strict = annotations_find(v, config->annotations.n, ANNOTATIONS_SECCOMP_STRICT);
	p->seccomp_known_only = strict && !str_equal(strict, "0");
	p->seccomp_receiver =
		p->seccomp && p->seccomp->listener_path
			? p->seccomp->listener_path
			: annotations_find(v, config->annotations.n, ANNOTATIONS_SECCOMP_RECEIVER);
	/* What a complete program returns is known only once it is decoded. */
	if (p->seccomp_bpf ? p->seccomp_receiver != NULL : notifies(p->seccomp))
		b->plan->flags |= PLAN_SECCOMP_EARLY | PLAN_SECCOMP_NOTIFY;
}

int plan_process_build(struct plan_build *b, const struct oci_process *process, struct err *err)
{
	struct process_plan *p = &b->plan->process;
	const struct oci_linux *linux_ = b->plan->config->linux_;
	int r;

	p->umask = 0022;
	p->cwd = "/";
	p->env = str_list(b->arena, NULL, 0, NULL, 0);
	if (!process) /* K-05: legal for create; start refuses it */
		return 0;
	p->args = str_list(b->arena, process->args.v, process->args.n, NULL, 0);
	p->n_args = process->args.n;
	p->env = environment(b->arena, process->env.v, process->env.n, &p->n_env);
	p->cwd = process->cwd;
	p->no_new_privs = process->no_new_privileges.v;
	p->scheduler = process->scheduler;
	p->io_priority = process->io_priority;
	p->priority_by_parent = b->plan->powers & POWER_RAISE_PRIORITY;
	p->memory_policy = linux_ ? linux_->memory_policy : NULL;
	p->apparmor_profile = process->apparmor_profile;
	p->selinux_label = process->selinux_label;
	p->personality = linux_ ? linux_->personality : NULL;
	p->seccomp = linux_ ? linux_->seccomp : NULL;
	build_seccomp(b);
	if (process->capabilities) /* K-13: an absent object drops all capabilities */
		build_caps(b, process->capabilities);
	r = build_limits(b, process, err);
	if (r < 0)
		return r;
	r = build_user(b, process->user, err);
	return r < 0 ? r : build_terminal(b, process, err);
}
