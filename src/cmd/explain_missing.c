/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/explain_missing.h"

#include "src/base/fd.h"
#include "src/base/path.h"
#include "src/host/barrier.h"
#include "src/plan/plan.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Who looks, for whom, and where a value stands. */
struct look {
	struct arena *arena;
	const struct plan *plan;
	const struct explain_missing *out;
};

static void tell(const struct look *look, const char *json_path, const char *what, const char *name,
		 const char *why)
{
	look->out->tell(look->out->data, json_path,
			arena_strf(look->arena, "%s: %s%s", what, name, why));
}

/* Whether the path is a file there: 1, 0, or -errno where that cannot be seen (a directory that
 * root of the container may enter, and the caller may not). */
static int has_file(int root, const char *path)
{
	_cleanup_close_ int fd = resolve_open(root, path, O_PATH);
	struct stat st;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return fd < 0 ? fd : -errno;
	return S_ISREG(st.st_mode);
}

/* A mount may bring what the root file system lacks. */
static bool is_below_a_mount(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->rootfs.n_mounts; i++) {
		const char *target = plan->rootfs.mounts[i].target;
		size_t len = strlen(target);

		if (strncmp(path, target, len) == 0 &&
		    (path[len] == '/' || path[len] == '\0' || len == 1))
			return true;
	}
	return false;
}

static bool has_command(struct arena *arena, const struct plan *plan, int root, const char *name)
{
	const struct process_plan *p = &plan->process;
	const char *path = str_env_find(p->env, p->n_env, "PATH");

	if (*name == '/')
		return has_file(root, name) != 0 || is_below_a_mount(plan, name);
	if (strchr(name, '/')) /* from the working directory, which may be made */
		return true;
	for (path = path ? path : DEFAULT_PATH;; path++) {
		size_t len = strcspn(path, ":");
		const char *candidate = arena_strf(arena, "%.*s/%s", (int)len, path, name);

		if (*candidate != '/' || has_file(root, candidate) != 0 ||
		    is_below_a_mount(plan, candidate))
			return true;
		path += len;
		if (!*path)
			return false;
	}
}

static void look_at(const struct look *look, const char *json_path, const char *path, int want,
		    const char *what)
{
	const char *words;

	if (faccessat(AT_FDCWD, path, want, AT_EACCESS) == 0)
		return;
	words = errno == EACCES
			? barrier_words(look->arena, &(struct barrier_view){ 0 }, path, want)
			: NULL;
	if (words)
		tell(look, json_path, what, path, arena_strf(look->arena, ": %s", words));
	else if (errno == EACCES)
		tell(look, json_path, what, path, " is out of the caller's reach");
	else if (errno == ENOENT || errno == ENOTDIR || want)
		tell(look, json_path, what, path, " does not exist");
}

static void look_at_hooks(const struct look *look, const oci_hook_list *hooks, const char *kind)
{
	for (size_t i = 0; i < hooks->n; i++)
		look_at(look, arena_strf(look->arena, "hooks.%s[%zu].path", kind, i),
			hooks->v[i].path, X_OK, arena_strf(look->arena, "%s hook", kind));
}

static void look_at_host(const struct look *look)
{
	const struct oci_hooks *hooks = look->plan->config->hooks;

	for (size_t i = 0; i < look->plan->rootfs.n_mounts; i++) {
		const struct mount_entry *m = &look->plan->rootfs.mounts[i];

		if (m->kind == MOUNT_BIND && !m->inside)
			look_at(look,
				arena_strf(look->arena, "mounts[%ld].source", m->config_index),
				m->source, F_OK, "mount source");
	}
	if (!hooks)
		return;
	look_at_hooks(look, &hooks->prestart, "prestart");
	look_at_hooks(look, &hooks->create_runtime, "createRuntime");
	look_at_hooks(look, &hooks->create_container, "createContainer");
	look_at_hooks(look, &hooks->poststart, "poststart");
	look_at_hooks(look, &hooks->poststop, "poststop");
}

static bool is_below_another(const struct plan *plan, const struct mount_entry *m)
{
	for (size_t i = 0; i < plan->rootfs.n_mounts; i++)
		if (&plan->rootfs.mounts[i] != m &&
		    path_is_below(m->target, plan->rootfs.mounts[i].target))
			return true;
	return false;
}

/* Where the container's root may not go, or make a mount point that is missing. */
static void look_at_targets(const struct look *look)
{
	const struct plan *plan = look->plan;
	const struct barrier_view view = { .uids = &plan->idmap.uid, .gids = &plan->idmap.gid };

	for (size_t i = 0; plan->idmap.uid.n && i < plan->rootfs.n_mounts; i++) {
		const struct mount_entry *m = &plan->rootfs.mounts[i];
		const char *words;

		if (is_below_another(plan, m))
			continue;
		words = barrier_of_root(look->arena, &view, plan->rootfs.path, m->target);
		if (!words)
			continue;
		tell(look, arena_strf(look->arena, "mounts[%ld].destination", m->config_index),
		     "mount point", m->target, arena_strf(look->arena, ": %s", words));
		return; /* the others have the same reason */
	}
}

void explain_missing(struct arena *arena, const struct plan *plan,
		     const struct explain_missing *out)
{
	_cleanup_close_ int root =
		openat(AT_FDCWD, plan->rootfs.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct look look = { arena, plan, out };
	const struct process_plan *p = &plan->process;

	if (root < 0 && errno == ENOTDIR)
		tell(&look, "root.path", "root file system", plan->rootfs.path,
		     " is not a directory");
	else if (root < 0)
		look_at(&look, "root.path", plan->rootfs.path, F_OK, "root file system");
	look_at_host(&look);
	if (root < 0)
		return;
	look_at_targets(&look);
	if (p->args && !has_command(arena, plan, root, p->args[0]))
		tell(&look, "process.args[0]", "command", p->args[0],
		     " is not in the root file system");
}
