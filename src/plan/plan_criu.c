/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan_criu.h"

#include "src/base/parse.h"
#include "src/base/path.h"
#include "src/host/mountinfo.h"
#include "src/oci/annotations.h"
#include "src/plan/plan_parts.h"

#include <sched.h>
#include <string.h>

enum { LOG_LEVEL = 4, MAX_PORT = 65535 };

static int page_server(struct arena *arena, const char *text, struct rpc_opts *ret, struct err *err)
{
	const char *colon = text ? strrchr(text, ':') : NULL;
	uint64_t port;

	if (!text)
		return 0;
	if (!colon || colon == text || parse_u64_range(colon + 1, 1, MAX_PORT, &port) < 0)
		return err_set(err, EINVAL, "--page-server: expected ADDRESS:PORT, got \"%s\"",
			       text);
	ret->page_server = arena_strndup(arena, text, (size_t)(colon - text));
	ret->page_server_port = (int)port;
	return 0;
}

static int empty_ns(const struct plan_criu_asked *asked, struct rpc_opts *ret, struct err *err)
{
	for (size_t i = 0; i < asked->n_empty_ns; i++) {
		if (!str_equal(asked->empty_ns[i], "network"))
			return err_set(err, EINVAL, "--empty-ns: expected network, got \"%s\"",
				       asked->empty_ns[i]);
		ret->empty_ns = CLONE_NEWNET;
	}
	return 0;
}

static enum rpc_cgroups cgroups_of(const char *mode)
{
	static const struct {
		const char *name;
		enum rpc_cgroups value;
	} modes[] = { { "soft", RPC_CGROUPS_SOFT },
		      { "full", RPC_CGROUPS_FULL },
		      { "strict", RPC_CGROUPS_STRICT } };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (str_equal(mode, modes[i].name))
			return modes[i].value;
	return RPC_CGROUPS_IGNORE;
}

static int lock_of(const struct plan_criu_asked *asked)
{
	const char *name = asked->network_lock;

	if (!name)
		return asked->has_iptables ? -1 : RPC_LOCK_NFTABLES;
	return str_equal(name, "iptables")   ? RPC_LOCK_IPTABLES
	       : str_equal(name, "nftables") ? RPC_LOCK_NFTABLES
					     : RPC_LOCK_SKIP;
}

static int check_texts(const struct plan_criu_asked *asked, struct err *err)
{
	const char *colon = asked->lsm_profile ? strchr(asked->lsm_profile, ':') : NULL;

	if (asked->lsm_profile && (!colon || colon == asked->lsm_profile || !colon[1]))
		return err_set(err, EINVAL, "--lsm-profile: expected TYPE:NAME, got \"%s\"",
			       asked->lsm_profile);
	if (asked->parent && asked->parent[0] == '/')
		return err_set(err, EINVAL,
			       "--parent-path: expected a path relative to --image-path, got "
			       "\"%s\"",
			       asked->parent);
	return 0;
}

static bool has_terminal(const struct oci_config *config)
{
	return config->process && config->process->terminal.v;
}

int plan_criu_options(struct arena *arena, const struct plan_criu_asked *asked,
		      const struct oci_config *config, struct rpc_opts *ret, struct err *err)
{
	const char *file = annotations_find(config->annotations.v, config->annotations.n,
					    ANNOTATIONS_CRIU_CONFIG);
	int r = check_texts(asked, err);

	ret->log_level = LOG_LEVEL;
	ret->notify = true;
	ret->leave_running = asked->leave_running;
	ret->tcp_established = asked->tcp_established;
	ret->tcp_close = asked->tcp_close;
	ret->tcp_skip_in_flight = asked->tcp_skip_in_flight;
	ret->ext_unix_sk = asked->ext_unix_sk;
	ret->shell_job = asked->shell_job;
	ret->file_locks = asked->file_locks;
	ret->link_remap = asked->link_remap;
	ret->lazy_pages = asked->lazy_pages;
	ret->auto_dedup = asked->auto_dedup;
	ret->parent = asked->parent;
	ret->lsm_profile = asked->lsm_profile;
	ret->lsm_mount_context = asked->lsm_mount_context;
	ret->status_fd = asked->status_fd ? (int)asked->status_fd : -1;
	/* CRIU then creates a new terminal where one had no master; otherwise it uses its own
	 * input. */
	ret->orphan_pts = !asked->shell_job || has_terminal(config);
	ret->cgroups = cgroups_of(asked->cgroups);
	ret->manage_cgroups = ret->cgroups != RPC_CGROUPS_IGNORE;
	ret->network_lock = lock_of(asked);
	ret->config_file = !file ? "/etc/criu/usrun.conf" : *file ? file : NULL;
	if (r == 0)
		r = page_server(arena, asked->page_server, ret, err);
	return r < 0 ? r : empty_ns(asked, ret, err);
}

static const struct oci_namespace *find_namespace(const struct oci_config *config, int kind)
{
	const struct oci_linux *linux_ = config->linux_;

	for (size_t i = 0; linux_ && i < linux_->namespaces.n; i++)
		if (linux_->namespaces.v[i].type == kind)
			return &linux_->namespaces.v[i];
	return NULL;
}

int plan_criu_check(const struct oci_config *config, struct err *err)
{
	const struct oci_namespace *mount = find_namespace(config, CLONE_NEWNS);
	const struct oci_namespace *cgroup = find_namespace(config, CLONE_NEWCGROUP);
	const struct oci_namespace *user = find_namespace(config, CLONE_NEWUSER);

	if (!mount || mount->path)
		return err_set(err, EOPNOTSUPP,
			       ERR_AT "linux.namespaces: only a container with a mount namespace "
				      "of its own can be checkpointed");
	if (user && user->path)
		return err_set(err, EOPNOTSUPP,
			       ERR_AT "linux.namespaces: a container in the user namespace of "
				      "another cannot be checkpointed: criu does not restore into "
				      "one that is there already");
	if (cgroup && cgroup->path)
		return err_set(err, EOPNOTSUPP,
			       ERR_AT "linux.namespaces: a container in the cgroup namespace of "
				      "another cannot be checkpointed");
	for (size_t i = 0; i < config->mounts.n; i++)
		if (plan_idmap_mount_is_wanted(&config->mounts.v[i]))
			return err_set(err, EOPNOTSUPP,
				       ERR_AT
				       "mounts[%zu]: a container with an ID-mapped mount "
				       "cannot be checkpointed: criu would restore the mount "
				       "without its mapping, and the files would have other "
				       "owners",
				       i);
	return 0;
}

static int no_own_group(const char *group, size_t len, struct err *err)
{
	(void)err_set(err, EOPNOTSUPP,
		      "--manage-cgroups-mode: cgroup \"%.*s\" is not the container's own, and CRIU "
		      "would change its owner, mode and limits",
		      (int)len, group);
	return err_hint(err, "--manage-cgroups-mode ignore, the default, leaves cgroups alone");
}

static bool is_own_group(const struct cgroup_place *place, const char *group, size_t len)
{
	for (size_t i = 0; i < place->dirs.n; i++) {
		const char *own = place->dirs.v[i].path;
		size_t n = strlen(own);

		if (n > 1 && n <= len && memcmp(group, own, n) == 0 &&
		    (n == len || group[n] == '/'))
			return true;
	}
	return false;
}

int plan_criu_check_groups(const struct rpc_opts *opts, const struct cgroup_place *place,
			   const char *groups, struct err *err)
{
	/* "4:memory:/path\n" */
	while (opts->manage_cgroups && *groups) {
		const char *colon = strchr(groups, ':'), *path = NULL;
		size_t len = strcspn(groups, "\n");

		if (colon)
			path = strchr(colon + 1, ':');
		if (path && path < groups + len) {
			size_t n = (size_t)(groups + len - path) - 1;

			if (!is_own_group(place, path + 1, n))
				return no_own_group(path + 1, n, err);
		}
		groups += len + (groups[len] == '\n');
	}
	return 0;
}

int plan_criu_check_restore(const struct rpc_opts *opts, const struct plan *plan, struct err *err)
{
	if (opts->manage_cgroups && !(plan->flags & PLAN_CGROUP))
		return no_own_group("/", 1, err);
	if (opts->cgroups != RPC_CGROUPS_STRICT)
		return 0;
	(void)err_set(err, EOPNOTSUPP,
		      "--manage-cgroups-mode strict: fails if a cgroup exists, and usrun always "
		      "creates the container's own first");
	return err_hint(err, "--manage-cgroups-mode soft or full");
}

struct mounts { /* of mountinfo */
	const struct mount_line {
		const char *device, *root, *target, *type;
	} * v;
	size_t n;
};

static struct mounts parse_mounts(struct arena *arena, const char *text)
{
	struct mountinfo_line line;
	struct mount_line *v = NULL;
	size_t n = 0, cap = 0;

	while (mountinfo_next(&text, &line)) {
		v = arena_room(arena, v, n, &cap, sizeof(*v));
		v[n++] = (struct mount_line){ .device = mountinfo_text(arena, line.device),
					      .root = mountinfo_text(arena, line.root),
					      .target = mountinfo_text(arena, line.target),
					      .type = mountinfo_text(arena, line.type) };
	}
	return (struct mounts){ v, n };
}

struct pairs { /* a growing list */
	struct arena *arena;
	struct rpc_pair *v;
	size_t n, cap;
};

static void add(struct pairs *pairs, const char *key, const char *value)
{
	pairs->v = arena_room(pairs->arena, pairs->v, pairs->n, &pairs->cap, sizeof(*pairs->v));
	pairs->v[pairs->n++] = (struct rpc_pair){ key, value };
}

struct dump {
	const struct oci_config *config;
	const char *const *real;
	struct mounts mounts;
};

static bool is_bind(const struct oci_mount *mount, bool recursive)
{
	struct plan_mount_shape shape = { 0 };

	plan_mount_options_shape(mount, &shape);
	return shape.bind && !shape.remount && (shape.recursive || !recursive);
}

/* The config's last mount at the place, which is on top. */
static const struct oci_mount *at(const struct dump *d, const char *target)
{
	for (size_t i = d->config->mounts.n; i-- > 0;)
		if (str_equal(d->real[i], target))
			return &d->config->mounts.v[i];
	return NULL;
}

/* Whether a recursive bind brought the mount with it. */
static bool came_with_bind(const struct dump *d, const char *target)
{
	for (size_t i = 0; i < d->config->mounts.n; i++)
		if (d->real[i] && is_bind(&d->config->mounts.v[i], true) &&
		    path_is_below(target, d->real[i]))
			return true;
	return false;
}

/* Whether CRIU sees the whole file system of which the mount shows a part, so that it can bind it
 * from there. */
static bool is_seen(const struct dump *d, const struct mount_line *m)
{
	for (size_t i = 0; i < d->mounts.n; i++) {
		const struct mount_line *whole = &d->mounts.v[i];
		const struct oci_mount *entry = at(d, whole->target);

		if (whole != m && str_equal(whole->device, m->device) &&
		    path_is_below(m->root, whole->root) && !str_equal(m->root, whole->root) &&
		    !(entry && is_bind(entry, false)))
			return true;
	}
	return false;
}

/* In a cgroup namespace the container's cgroups are the roots of their hierarchies. CRIU mounts
 * such roots, which needs a cgroup namespace owned by the user namespace, and CRIU creates none. */
static bool is_external_cgroup(const struct dump *d, const struct mount_line *m)
{
	return str_starts(m->type, "cgroup") && !str_equal(m->root, "/") &&
	       (!find_namespace(d->config, CLONE_NEWCGROUP) ||
		find_namespace(d->config, CLONE_NEWUSER));
}

/* The name of an external mount in the images, or NULL. */
static const char *external_name(struct arena *arena, const struct dump *d,
				 const struct mount_line *m)
{
	const struct oci_mount *entry = at(d, m->target);

	if (str_equal(m->target, "/"))
		return NULL;
	if (entry && is_bind(entry, false))
		return path_clean(arena, entry->destination);
	if (!entry && came_with_bind(d, m->target))
		return m->target;
	if (str_starts(m->type, "cgroup"))
		return is_external_cgroup(d, m) ? m->target : NULL;
	if (entry || str_equal(m->root, "/") || is_seen(d, m))
		return NULL;
	/* A mask: all are bind mounts of the host's null device, whatever they hide. */
	if (str_equal(m->root, "/null"))
		return "/dev/null";
	return m->target;
}

void plan_criu_dump_mounts(struct arena *arena, const struct oci_config *config,
			   const char *const *real, const char *mountinfo, struct rpc_opts *ret)
{
	const struct dump dump = { config, real, parse_mounts(arena, mountinfo) };
	struct pairs pairs = { .arena = arena };

	for (size_t i = 0; i < dump.mounts.n; i++) {
		const char *name = external_name(arena, &dump, &dump.mounts.v[i]);

		if (name)
			add(&pairs, dump.mounts.v[i].target, name);
	}
	ret->mounts = pairs.v;
	ret->n_mounts = pairs.n;
}

/* Mounts below the source come with it, as they did for the dump. */
static void add_bind(struct pairs *pairs, const struct mount_entry *m, const struct mounts *host)
{
	size_t len = strlen(m->source);

	add(pairs, m->target, m->source);
	for (size_t i = 0; m->recursive && i < host->n; i++) {
		const char *below = host->v[i].target;

		if (path_is_below(below, m->source) && !str_equal(below, m->source))
			add(pairs,
			    arena_strf(pairs->arena, "%s%s", m->target,
				       below + (len > 1 ? len : 0)),
			    below);
	}
}

/* Adds the bind mounts of the container's cgroups; v1 has several. */
static void add_groups(struct pairs *pairs, const struct plan *plan, const struct mount_entry *m,
		       const struct cgroup_place *place)
{
	const struct facts_cgroup *cgroup = &plan->facts->cgroup;

	for (size_t i = 0; i < cgroup->n; i++) {
		const char *path = cgroup->v[i].own, *mount = cgroup->v[i].mount;

		for (size_t k = 0; k < place->dirs.n; k++)
			if (str_equal(place->dirs.v[k].mount, mount))
				path = place->dirs.v[k].path;
		add(pairs,
		    cgroup->mode == FACTS_CGROUP_V2
			    ? m->target
			    : arena_strf(pairs->arena, "%s/%s", m->target, path_base(mount)),
		    arena_strf(pairs->arena, "%s%s", mount, path));
	}
}

void plan_criu_restore_mounts(struct arena *arena, const struct plan *plan,
			      const struct cgroup_place *place, const char *mountinfo,
			      struct rpc_opts *ret)
{
	const struct mounts host = parse_mounts(arena, mountinfo);
	struct pairs pairs = { .arena = arena };

	for (size_t i = 0; i < plan->rootfs.n_mounts; i++) {
		const struct mount_entry *m = &plan->rootfs.mounts[i];

		if (m->kind == MOUNT_BIND && !m->inside)
			add_bind(&pairs, m, &host);
		if (m->kind == MOUNT_CGROUP &&
		    (!(plan->flags & PLAN_CGROUPNS) || (plan->flags & PLAN_USERNS_NEW)))
			add_groups(&pairs, plan, m, place);
	}
	for (size_t i = 0; plan->devices.bind && i < plan->devices.n; i++)
		if (!str_equal(plan->devices.v[i].path, "/dev/null"))
			add(&pairs, plan->devices.v[i].path, plan->devices.v[i].path);
	add(&pairs, "/dev/null", "/dev/null");
	ret->mounts = pairs.v;
	ret->n_mounts = pairs.n;
}

const char *plan_criu_stream_text(struct arena *arena, const struct plan_criu_stream *stream)
{
	if (!stream->inode)
		return stream->text;
	return arena_strf(arena, "file[%llx:%llx] %s", (unsigned long long)stream->mount,
			  (unsigned long long)stream->inode, stream->text);
}

const char *plan_criu_stream_key(struct arena *arena, const char *text, bool *ret_null)
{
	const char *end = strchr(text, ']');

	*ret_null = end && str_equal(end + 1, " /dev/null");
	if (end && (str_starts(text, "file[") || str_starts(text, "pipe:[")))
		return arena_strndup(arena, text, (size_t)(end + 1 - text));
	return NULL;
}
