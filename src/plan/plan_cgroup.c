/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan_cgroup.h"

#include "src/base/path.h"
#include "src/base/str.h"
#include "src/oci/annotations.h"
#include "src/plan/powers.h"

#include <string.h>

struct request {
	struct arena *arena;
	const struct facts_cgroup *host;
	const struct plan_cgroup_options *options;
	const struct oci_config *config;
	const struct facts *facts;
	const char *wanted; /* linux.cgroupsPath, or NULL */
	const struct oci_resources *resources;
	const struct cgroup_write *writes;
	size_t n_writes;
	const struct cgroup_write *need; /* the first write that needs a cgroup, or NULL */
};

static int check_path(const struct request *q, struct err *err)
{
	if (q->wanted && path_has_dotdot(q->wanted))
		return err_set(err, EINVAL,
			       ERR_AT "linux.cgroupsPath: \"..\" is not allowed, got \"%s\"",
			       q->wanted);
	if (!str_equal(q->options->manager, "cgroupfs") || !plan_unit_is_path(q->wanted))
		return 0;
	(void)err_set(err, EINVAL,
		      ERR_AT "linux.cgroupsPath: \"%s\" names a systemd unit (slice:prefix:name), "
			     "which --cgroup-manager cgroupfs cannot create",
		      q->wanted);
	return err_hint(err, "use --cgroup-manager systemd, or a path such as /NAME");
}

/* -1 means no limit, which needs neither cgroup nor controller. */
static const struct cgroup_write *find_need(const struct cgroup_write *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].required && !v[i].may_miss)
			return &v[i];
	return NULL;
}

static int build_writes(struct request *q, struct err *err)
{
	bool v1 = q->host->mode == FACTS_CGROUP_V1 || q->host->mode == FACTS_CGROUP_HYBRID;
	struct plan_layout layout = { .v2 = !v1, .unified = q->host->controllers };
	int r = 0;

	if (q->resources)
		r = plan_resources_build(q->arena, q->resources, layout, &q->writes, &q->n_writes,
					 err);
	if (r == 0)
		q->need = find_need(q->writes, q->n_writes);
	return r;
}

/* Says how the container could get a cgroup with controllers, on this host and for this caller. */
static const char *way_to_group(const struct request *q)
{
	const struct facts_systemd *systemd = &q->facts->systemd;

	if (str_equal(q->options->manager, "disabled"))
		return "leave out --cgroup-manager disabled";
	if (q->host->mode == FACTS_CGROUP_NONE || !q->host->n)
		return "as root: mount -t cgroup2 cgroup2 /sys/fs/cgroup";
	if (q->options->may_own_cgroups)
		return "start usrun where they are writable (systemd: ProtectControlGroups=no)";
	if (systemd->user_dir || systemd->why)
		return "start it in a delegated cgroup (systemd-run --user --scope -p "
		       "Delegate=yes usrun ...)";
	if (systemd->system)
		return arena_strf(q->arena,
				  "as root, have the user's systemd run: loginctl enable-linger %s",
				  q->facts->caller.name ? q->facts->caller.name : "USER");
	return "ask root to create a cgroup, chown it to this user and move the caller into it";
}

/* Without a cgroup there are no limits: a requested limit is an error, never a pretence. */
static int no_cgroup(const struct request *q, struct cgroup_plan *ret, const char *why,
		     struct err *err)
{
	ret->place.kind = CGROUP_DRIVER_NONE;
	ret->why = arena_strf(q->arena, "the container has no cgroup of its own: %s%s", why,
			      q->resources && q->resources->devices.n
				      ? "; linux.resources.devices is not enforced"
				      : "");
	if (!q->need)
		return 0;
	(void)err_set(err, EPERM,
		      ERR_AT
		      "%s: needs the cgroup controller `%s`, but the container has no cgroup: %s",
		      q->need->json_path, q->need->controller, why);
	return err_hint(err, "%s; or leave the limit out", way_to_group(q));
}

static const char *not_writable(const struct request *q)
{
	const char *why = q->facts->systemd.why;

	if (q->options->may_own_cgroups)
		return "the cgroup file systems are mounted read-only";
	return arena_strf(q->arena, "the caller's own cgroup is not delegated to it%s%s",
			  why ? ", and " : "", why ? why : "");
}

/* A requested path is an error if it cannot be created; our own choice is just left out. */
static int no_group(const struct request *q, struct cgroup_plan *ret, struct err *err)
{
	const char *why = not_writable(q);

	if (!q->wanted || !*q->wanted)
		return no_cgroup(q, ret, why, err);
	(void)err_set(err, EPERM, ERR_AT "linux.cgroupsPath: \"%s\" cannot be created: %s",
		      q->wanted, why);
	return err_hint(
		err, "remove linux.cgroupsPath from the config, or use --cgroup-manager disabled");
}

static char *below(const struct request *q, const char *dir, const char *path)
{
	return path_clean(q->arena, arena_strf(q->arena, "%s/%s", dir, path));
}

static const char *parent_of(const struct request *q, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path || !slash ? "/"
				       : arena_strndup(q->arena, path, (size_t)(slash - path));
}

/* Whether the cgroup was given to us, as to a service with Delegate=, so that its limits should
 * apply to the container, too. */
static bool is_given(const struct facts_cgroup *host)
{
	return host->own_delegated && !host->own_shared && host->own_writable;
}

/* Where relative paths start. In v2 a cgroup cannot both hold processes and pass controllers on: if
 * the caller's cgroup holds other processes, the cgroup with the limits goes beside it. */
static const char *find_base(const struct request *q, const char *own)
{
	const struct facts_cgroup *host = q->host;

	if (host->mode != FACTS_CGROUP_V2 || is_given(host))
		return own;
	if (q->options->may_own_cgroups)
		return "/";
	if (host->parent_writable && (q->need || !host->own_writable))
		return parent_of(q, own);
	return own;
}

static const char *dir_path(const struct request *q, const char *own)
{
	const char *base = find_base(q, own);

	if (q->wanted && *q->wanted)
		return *q->wanted == '/' ? path_clean(q->arena, q->wanted)
					 : below(q, base, q->wanted);
	if (q->options->may_own_cgroups && !is_given(q->host))
		base = "/";
	return below(q, base, arena_strf(q->arena, "usrun-%s", q->options->id));
}

/* Hierarchies that limit nothing are left out if the user has been given cgroups only in some. */
static bool is_left_out(const struct request *q, const struct facts_hierarchy *h)
{
	return q->host->mode != FACTS_CGROUP_V2 && !q->options->may_own_cgroups &&
	       !q->host->own_writable && (!*h->controllers || str_starts(h->controllers, "name="));
}

static int check_dir(const struct request *q, const char *path, const char *own, struct err *err)
{
	bool root = str_equal(path, "/");

	if (!root && !str_equal(path, path_clean(q->arena, own)))
		return 0;
	return err_set(err, EINVAL,
		       ERR_AT "linux.cgroupsPath: \"%s\" is %s, which cannot be a "
			      "container's cgroup",
		       path, root ? "the root of the hierarchy" : "the cgroup of usrun itself");
}

static int set_dirs(const struct request *q, struct cgroup_plan *ret, struct err *err)
{
	const struct facts_cgroup *host = q->host;
	struct cgroup_dir *dirs = arena_array(q->arena, host->n, sizeof(*dirs));
	size_t n = 0;

	for (size_t i = 0; i < host->n; i++) {
		const char *own = host->v[i].own ? host->v[i].own : "/", *path = dir_path(q, own);
		int r = check_dir(q, path, own, err);

		if (r < 0)
			return r;
		if (!is_left_out(q, &host->v[i]))
			dirs[n++] = (struct cgroup_dir){ .controllers = host->v[i].controllers,
							 .mount = host->v[i].mount,
							 .path = path };
	}
	ret->place.dirs.v = dirs;
	ret->place.dirs.n = n;
	return 0;
}

static void add_why(const struct request *q, struct cgroup_plan *ret, const char *why)
{
	ret->why = ret->why ? arena_strf(q->arena, "%s; %s", ret->why, why) : why;
}

/* Even a config without a list has rules: initially nothing is allowed. */
static int set_devices(const struct request *q, struct cgroup_plan *ret, struct err *err)
{
	bool v1 = plan_writes_have_hierarchy(q->host, "devices");
	bool v2 = ret->place.kind == CGROUP_DRIVER_V2 || q->host->mode == FACTS_CGROUP_HYBRID;
	const struct cgroup_device_rule *rules;
	size_t n;

	ret->limit_devices = q->options->may_own_cgroups && (v1 || v2);
	if (!ret->limit_devices) {
		if (q->resources && q->resources->devices.n)
			add_why(q, ret,
				q->options->may_own_cgroups ? "linux.resources.devices is not "
							      "enforced: the hierarchy of the "
							      "devices controller is not mounted"
							    : "linux.resources.devices is not "
							      "enforced: that takes the rights of "
							      "root on the host");
		return 0;
	}
	plan_device_rules_build(q->arena, q->resources, &rules, &n);
	if (v1)
		return plan_device_rules_v1(q->arena, rules, n, &ret->device_rules,
					    &ret->n_device_rules, err);
	ret->device_rules = rules;
	ret->n_device_rules = n;
	return 0;
}

static int set_limits(const struct request *q, struct cgroup_plan *ret, struct err *err)
{
	int r;

	ret->writes = q->writes;
	ret->n_writes = q->n_writes;
	if (ret->place.kind == CGROUP_DRIVER_V2 && q->resources && q->resources->memory &&
	    q->resources->memory->kernel_tcp.v > 0)
		add_why(q, ret,
			"linux.resources.memory.kernelTCP is ignored: cgroup v2 counts it as "
			"memory");
	r = plan_writes_check(q->arena, q->host, q->options->may_own_cgroups, ret, err);
	return r < 0 ? r : set_devices(q, ret, err);
}

bool plan_cgroup_lacks_own(const struct facts *facts)
{
	return facts->cgroup.mode == FACTS_CGROUP_V2 &&
	       !(powers_derive(facts, false) & POWER_OWN_CGROUPS);
}

bool plan_cgroup_needs_manager(const struct oci_config *config, const char *manager, bool lacks_own)
{
	const char *wanted = config->linux_ ? config->linux_->cgroups_path : NULL;

	if (manager)
		return str_equal(manager, "systemd");
	return plan_unit_is_path(wanted) || (lacks_own && !(wanted && *wanted));
}

static enum cgroup_manager pick_manager(const struct request *q)
{
	const struct facts_systemd *systemd = &q->facts->systemd;

	if (!q->options->may_own_cgroups && systemd->user_dir)
		return CGROUP_MANAGER_USER;
	return systemd->system ? CGROUP_MANAGER_SYSTEM : CGROUP_MANAGER_NONE;
}

/* Whether a unit was asked for by name, rather than chosen by us. */
static bool wants_unit(const struct request *q)
{
	return str_equal(q->options->manager, "systemd") ||
	       (!q->options->manager && plan_unit_is_path(q->wanted));
}

static bool gets_unit(const struct request *q)
{
	if (wants_unit(q))
		return true;
	return !q->options->manager && !(q->wanted && *q->wanted) && !q->options->may_own_cgroups &&
	       q->host->mode == FACTS_CGROUP_V2 && !is_given(q->host) &&
	       pick_manager(q) == CGROUP_MANAGER_USER;
}

/* Unless the command line asked for a unit, says which part of the config did. */
static int from_path(const struct request *q, struct err *err)
{
	return q->options->manager ? -err->code : err_prefix(err, ERR_AT "linux.cgroupsPath");
}

static int no_manager(const struct request *q, struct err *err)
{
	bool user = !q->options->may_own_cgroups;

	if (q->facts->systemd.why) {
		(void)err_set(err, ETIMEDOUT, "the systemd cgroup driver cannot reach %s: %s",
			      user ? "the user's systemd" : "systemd", q->facts->systemd.why);
		err_hint(err, "--cgroup-manager cgroupfs does not need it");
		return from_path(q, err);
	}
	(void)err_set(err, ENOTCONN,
		      "the systemd cgroup driver cannot reach %s at %s/systemd/private",
		      user ? "the user's systemd" : "systemd",
		      !user                   ? "/run"
		      : q->facts->runtime_dir ? q->facts->runtime_dir
					      : "$XDG_RUNTIME_DIR");
	err_hint(err, user ? "log in through PAM or `loginctl enable-linger`, and set "
			     "XDG_RUNTIME_DIR=/run/user/UID; or use --cgroup-manager cgroupfs"
			   : "it is not running; use --cgroup-manager cgroupfs");
	return from_path(q, err);
}

/* The cgroup below the container's own that an annotation names, or NULL. */
static int find_name(const struct request *q, const char *key, const char **ret, struct err *err)
{
	const char *name =
		annotations_find(q->config->annotations.v, q->config->annotations.n, key);

	if (name && (strchr(name, '/') || *name == '.' || strchr(name, '\n')))
		return err_set(err, EINVAL, ERR_AT "annotations[\"%s\"]: not a cgroup name: \"%s\"",
			       key, name);
	*ret = name;
	return 0;
}

static int find_inside(const struct request *q, const char **ret, struct err *err)
{
	int r = find_name(q, ANNOTATIONS_DELEGATE, ret, err);

	if (r == 0 && *ret && !**ret)
		*ret = NULL;
	if (r < 0 || !*ret || q->host->mode == FACTS_CGROUP_V2)
		return r;
	return err_set(err, ENOTSUP,
		       ERR_AT "annotations[\"%s\"]: cgroup v1 cannot be delegated, and this host "
			      "has no pure cgroup v2",
		       ANNOTATIONS_DELEGATE);
}

/* Uses a cgroup below the unit if the container could otherwise lift its own limits: its root may
 * write to its cgroup's files, and the files of a user's unit belong to the same user. Slices hold
 * no processes. */
static int set_subgroup(const struct request *q, struct cgroup_unit *unit, struct err *err)
{
	const char *name = NULL, *inside = NULL;
	int r = find_name(q, ANNOTATIONS_SUBGROUP, &name, err);

	if (r == 0)
		r = find_inside(q, &inside, err);
	if (r < 0)
		return r;
	if (!(name && *name) && inside)
		name = inside;
	if (name && *name)
		unit->subgroup = name;
	else if (unit->is_slice)
		unit->subgroup = arena_strf(q->arena, "usrun-%s", q->options->id);
	else if (!name && q->options->delegates && unit->ref.manager == CGROUP_MANAGER_USER &&
		 q->host->mode == FACTS_CGROUP_V2)
		unit->subgroup = "container";
	return 0;
}

/* v1 delegates no controllers to users: cgroups created by their manager allow listing and killing
 * processes, but limit nothing. */
static bool serves(const struct facts_hierarchy *h, const struct request *q,
		   enum cgroup_manager manager)
{
	return manager == CGROUP_MANAGER_SYSTEM || q->host->mode == FACTS_CGROUP_V2 ||
	       !*h->controllers || str_equal(h->controllers, "name=systemd");
}

static int set_unit(const struct request *q, struct cgroup_plan *ret, struct err *err)
{
	const struct plan_unit_request request = {
		.id = q->options->id,
		.wanted = q->wanted,
		.manager = pick_manager(q),
		.runtime_dir = q->facts->systemd.user_dir,
	};
	struct cgroup_unit *unit = arena_new(q->arena, struct cgroup_unit);
	struct cgroup_dir *dirs = arena_array(q->arena, q->host->n, sizeof(*dirs));
	int r;

	if (request.manager == CGROUP_MANAGER_NONE)
		return no_manager(q, err);
	r = plan_unit_name(q->arena, &request, unit, err);
	if (r == 0)
		r = set_subgroup(q, unit, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < q->host->n; i++)
		if (serves(&q->host->v[i], q, request.manager))
			dirs[ret->place.dirs.n++] =
				(struct cgroup_dir){ .controllers = q->host->v[i].controllers,
						     .mount = q->host->v[i].mount,
						     .path = "/" };
	ret->place.dirs.v = dirs;
	ret->unit = unit;
	r = set_limits(q, ret, err);
	if (r < 0)
		return r;
	if (q->host->mode != FACTS_CGROUP_V2 && request.manager == CGROUP_MANAGER_USER && q->need)
		return err_set(err, EPERM,
			       ERR_AT "%s: needs the cgroup controller `%s`, which cgroup v1 "
				      "cannot delegate to a user",
			       q->need->json_path, q->need->controller);
	return plan_unit_properties(q->arena, q->config, ret, q->options->id, unit, err);
}

/* A user may own a cgroup elsewhere, which no fact shows: driver_create() finds out. */
static bool may_make(const struct request *q)
{
	return q->host->own_writable || q->host->parent_writable ||
	       (!q->options->may_own_cgroups && q->wanted && *q->wanted == '/');
}

int plan_cgroup_build(struct arena *arena, const struct oci_config *config,
		      const struct facts *facts, const struct plan_cgroup_options *options,
		      struct cgroup_plan *ret, struct err *err)
{
	const struct oci_linux *linux_ = config->linux_;
	struct request q = { .arena = arena,
			     .host = &facts->cgroup,
			     .options = options,
			     .config = config,
			     .facts = facts,
			     .wanted = linux_ ? linux_->cgroups_path : NULL,
			     .resources = linux_ ? linux_->resources : NULL };
	int r = build_writes(&q, err);

	*ret = (struct cgroup_plan){ .resources = q.resources };
	if (r < 0)
		return r;
	if (str_equal(options->manager, "disabled"))
		return no_cgroup(&q, ret, "--cgroup-manager disabled", err);
	r = check_path(&q, err);
	if (r < 0)
		return r;
	if (q.host->mode == FACTS_CGROUP_NONE || !q.host->n)
		return no_cgroup(&q, ret, "no cgroup file system is mounted on /sys/fs/cgroup",
				 err);
	ret->place.kind = q.host->mode == FACTS_CGROUP_V2 ? CGROUP_DRIVER_V2 : CGROUP_DRIVER_V1;
	if (gets_unit(&q))
		return set_unit(&q, ret, err);
	if (!may_make(&q))
		return no_group(&q, ret, err);
	r = set_dirs(&q, ret, err);
	if (r == 0)
		r = find_inside(&q, &ret->inside, err);
	if (facts->systemd.why)
		add_why(&q, ret,
			arena_strf(arena, "the cgroup is no unit of systemd: %s",
				   facts->systemd.why));
	return r < 0 ? r : set_limits(&q, ret, err);
}
