/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan_cgroup.h"

#include "src/base/path.h"
#include "src/base/str.h"
#include "src/plan/plan_resources.h"

#include <string.h>

struct request {
	struct arena *arena;
	const struct oci_config *config;
	const struct facts *facts;
	const struct plan_cgroup_options *options;
	const struct oci_resources *resources;
};

static int check_path(const char *path, const struct plan_cgroup_options *options, struct err *err)
{
	bool systemd = str_equal(options->manager, "systemd");

	if (path && path_has_dotdot(path))
		return err_set(err, EINVAL, "config.json: linux.cgroupsPath: \"..\" is not allowed, got \"%s\"",
			       path);
	if (!systemd && !(path && *path != '/' && strchr(path, ':')))
		return 0;
	(void)err_set(err, ENOTSUP, "%s: the systemd cgroup driver is not part of this version of usrun",
		      systemd ? "--cgroup-manager systemd" : "config.json: linux.cgroupsPath (slice:prefix:name)");
	err_hint(err, "use --cgroup-manager cgroupfs and a path (podman: --cgroup-manager=cgroupfs)");
	return -ENOTSUP;
}

/* Rootless without delegation: nothing to enforce limits with. */
static int no_cgroup(const struct request *q, struct cgroup_plan *ret, const char *why, struct err *err)
{
	const struct cgroup_write *writes;
	size_t n;
	int r;

	ret->driver = CGROUP_DRIVER_NONE;
	ret->why = arena_strf(q->arena, "the container has no cgroup of its own: %s", why);
	if (!plan_resources_any(q->resources))
		return 0;
	r = plan_resources_build(q->arena, q->resources, true, &writes, &n, err);
	if (r < 0)
		return r;
	if (!n)
		return 0;
	(void)err_set(err, EPERM, "config.json: %s: needs the cgroup controller %s, which is not delegated to the "
		      "caller: %s", writes[0].json_path, writes[0].controller, why);
	err_hint(err, "start it in a delegated group (systemd-run --user --scope -p Delegate=yes usrun ...), or "
		 "remove the limit from the config");
	return -EPERM;
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words ? words : ""; (at = strstr(at, word)); at += len)
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

static const char *dir_path(const struct request *q, const struct facts_hierarchy *h)
{
	const char *wanted = q->config->linux_ ? q->config->linux_->cgroups_path : NULL;
	const char *own = h->own ? h->own : "/";

	if (wanted && *wanted == '/')
		return path_clean(q->arena, wanted);
	if (wanted && *wanted)
		return path_clean(q->arena, path_join(q->arena, own, wanted));
	if (q->options->may_own_cgroups)
		return arena_strf(q->arena, "/usrun-%s", q->options->id);
	return path_clean(q->arena, arena_strf(q->arena, "%s/usrun-%s", own, q->options->id));
}

static int set_dirs(const struct request *q, struct cgroup_plan *ret, struct err *err)
{
	const struct facts_cgroup *host = &q->facts->cgroup;
	struct cgroup_dir *dirs = arena_array(q->arena, host->n, sizeof(*dirs));

	for (size_t i = 0; i < host->n; i++) {
		dirs[i] = (struct cgroup_dir){ .controllers = host->v[i].controllers,
					       .mount = host->v[i].mount,
					       .path = dir_path(q, &host->v[i]) };
		if (str_equal(dirs[i].path, "/"))
			return err_set(err, EINVAL, "config.json: linux.cgroupsPath: the root of the hierarchy "
				       "cannot be a container's cgroup");
	}
	ret->dirs = dirs;
	ret->n_dirs = host->n;
	return 0;
}

static int check_controllers(const struct request *q, const struct cgroup_plan *plan, struct err *err)
{
	const struct facts_cgroup *host = &q->facts->cgroup;

	for (size_t i = 0; plan->driver == CGROUP_DRIVER_V2 && i < plan->n_writes; i++) {
		const struct cgroup_write *w = &plan->writes[i];

		if (str_equal(w->controller, "cgroup") || has_word(host->controllers, w->controller))
			continue;
		(void)err_set(err, ENODEV, "config.json: %s: the requested cgroup controller `%s` is not "
			      "available here (available: %s)", w->json_path, w->controller,
			      host->controllers && *host->controllers ? host->controllers : "none");
		err_hint(err, "for a user: a drop-in for user@.service with Delegate=cpu cpuset io memory pids");
		return -ENODEV;
	}
	return 0;
}

int plan_cgroup_build(struct arena *arena, const struct oci_config *config, const struct facts *facts,
		      const struct plan_cgroup_options *options, struct cgroup_plan *ret,
		      struct err *err)
{
	const struct oci_linux *linux_ = config->linux_;
	struct request q = { .arena = arena,
			     .config = config,
			     .facts = facts,
			     .options = options,
			     .resources = linux_ ? linux_->resources : NULL };
	int r;

	*ret = (struct cgroup_plan){ .resources = q.resources };
	if (str_equal(options->manager, "disabled"))
		return no_cgroup(&q, ret, "--cgroup-manager disabled", err);
	r = check_path(linux_ ? linux_->cgroups_path : NULL, options, err);
	if (r < 0)
		return r;
	if (facts->cgroup.mode == FACTS_CGROUP_NONE || !facts->cgroup.n)
		return no_cgroup(&q, ret, "no cgroup file system is mounted on /sys/fs/cgroup", err);
	if (!options->may_own_cgroups && !facts->cgroup.own_writable)
		return no_cgroup(&q, ret, "the caller's own cgroup is not delegated to it", err);
	ret->driver = facts->cgroup.mode == FACTS_CGROUP_V2 ? CGROUP_DRIVER_V2 : CGROUP_DRIVER_V1;
	r = set_dirs(&q, ret, err);
	if (r == 0 && q.resources)
		r = plan_resources_build(arena, q.resources, ret->driver == CGROUP_DRIVER_V2, &ret->writes,
					 &ret->n_writes, err);
	if (r == 0)
		r = check_controllers(&q, ret, err);
	if (r < 0)
		return r;
	if (q.resources && q.resources->devices.n) {
		ret->limit_devices = ret->driver == CGROUP_DRIVER_V1 && options->may_own_cgroups;
		if (!ret->limit_devices)
			ret->why = "linux.resources.devices: device rules are not enforced here (this version "
				   "enforces them with cgroup v1 and the rights of root only)";
	}
	return 0;
}
