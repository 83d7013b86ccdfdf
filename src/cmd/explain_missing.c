/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/explain_missing.h"

#include "src/base/fd.h"
#include "src/host/barrier.h"
#include "src/plan/plan.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void tell(struct str *out, const char *what, const char *name, const char *why)
{
	str_addf(out, "  %s: %s %s\n", what, name, why);
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

static void look_at(struct arena *arena, const char *path, int want, const char *what,
		    struct str *out)
{
	const char *words;

	if (faccessat(AT_FDCWD, path, want, AT_EACCESS) == 0)
		return;
	words = errno == EACCES ? barrier_words(arena, &(struct barrier_view){ 0 }, path, want)
				: NULL;
	if (words)
		str_addf(out, "  %s: %s: %s\n", what, path, words);
	else if (errno == EACCES)
		tell(out, what, path, "is out of the caller's reach");
	else if (errno == ENOENT || errno == ENOTDIR || want)
		tell(out, what, path, "does not exist");
}

static void look_at_hooks(struct arena *arena, const oci_hook_list *hooks, const char *kind,
			  struct str *out)
{
	for (size_t i = 0; i < hooks->n; i++)
		look_at(arena, hooks->v[i].path, X_OK, kind, out);
}

static void look_at_host(struct arena *arena, const struct plan *plan, struct str *out)
{
	const struct oci_hooks *hooks = plan->config->hooks;

	for (size_t i = 0; i < plan->rootfs.n_mounts; i++) {
		const struct mount_entry *m = &plan->rootfs.mounts[i];

		if (m->kind == MOUNT_BIND && !m->inside)
			look_at(arena, m->source, F_OK, "mount source", out);
	}
	if (!hooks)
		return;
	look_at_hooks(arena, &hooks->prestart, "prestart hook", out);
	look_at_hooks(arena, &hooks->create_runtime, "createRuntime hook", out);
	look_at_hooks(arena, &hooks->create_container, "createContainer hook", out);
	look_at_hooks(arena, &hooks->poststart, "poststart hook", out);
	look_at_hooks(arena, &hooks->poststop, "poststop hook", out);
}

void explain_missing(struct arena *arena, const struct plan *plan, struct str *out)
{
	_cleanup_close_ int root =
		openat(AT_FDCWD, plan->rootfs.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct process_plan *p = &plan->process;
	_cleanup_str_ struct str found = { 0 };

	if (root < 0 && errno == ENOTDIR)
		tell(&found, "root file system", plan->rootfs.path, "is not a directory");
	else if (root < 0)
		look_at(arena, plan->rootfs.path, F_OK, "root file system", &found);
	look_at_host(arena, plan, &found);
	if (root >= 0 && p->args && !has_command(arena, plan, root, p->args[0]))
		tell(&found, "command", p->args[0], "is not in the root file system");
	if (found.len)
		str_addf(out, "missing\n%s", found.s);
}
