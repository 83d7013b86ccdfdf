/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/explain_missing.h"

#include "src/base/elf.h"
#include "src/base/fd.h"
#include "src/base/path.h"
#include "src/host/barrier.h"
#include "src/plan/plan.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Who is asking, on whose behalf, and where a value is. */
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

/* Whether the path is a file: 1, 0, or -errno if that cannot be seen (a directory that the
 * container's root may enter, but the caller may not). */
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

/* A mount may provide what the root file system lacks. */
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

/* Whether the kernel may know more program formats than its own; also true if that is unknown. */
static bool has_other_formats(void)
{
	return access("/proc/sys/fs/binfmt_misc/status", F_OK) == 0;
}

/* What else a program needs, or why the kernel would not execute it; NULL: nothing is known to be
 * missing. */
static const char *fault_of_format(const struct look *look, int root, char *head, size_t n)
{
	const char *machine = elf_machine(head, n), *needed = elf_loader(head, n);
	bool script = str_starts(head, "#!");
	struct utsname own;

	if (script) {
		head[strcspn(head, "\n")] = '\0';
		needed = head + 2 + strspn(head + 2, " \t");
		head[2 + strcspn(head + 2, " \t") + strcspn(needed, " \t")] = '\0';
		needed = arena_strndup(look->arena, needed, strcspn(needed, " \t"));
	}
	if (needed && *needed == '/' && has_file(root, needed) == 0 &&
	    !is_below_a_mount(look->plan, needed))
		return arena_strf(look->arena, ": its %s %s is not in the root file system",
				  script ? "interpreter" : "loader", needed);
	if (script || has_other_formats() || uname(&own) < 0)
		return NULL;
	if (!machine)
		return " is neither an ELF file nor a script with a #! line";
	return str_equal(machine, own.machine)
		       ? NULL
		       : arena_strf(look->arena, " is for %s, and this host is %s", machine,
				    own.machine);
}

/* A file of the root file system, as a program. */
static const char *fault_of_program(const struct look *look, int root, const char *path)
{
	_cleanup_close_ int fd = resolve_open(root, path, O_PATH), open_fd = -1;
	char head[4096] = "";
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	if (S_ISDIR(st.st_mode))
		return " is a directory";
	if (S_ISREG(st.st_mode) && !(st.st_mode & 0111))
		return arena_strf(look->arena, " is not executable (mode %04o)",
				  st.st_mode & 07777);
	if (S_ISREG(st.st_mode))
		open_fd = resolve_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	n = open_fd < 0 ? -1 : read(open_fd, head, sizeof(head) - 1);
	return n < 0 ? NULL : fault_of_format(look, root, head, (size_t)n);
}

static bool is_there(const struct look *look, int root, const char *path)
{
	_cleanup_close_ int fd = resolve_open(root, path, O_PATH);

	return (fd != -ENOENT && fd != -ENOTDIR) || is_below_a_mount(look->plan, path);
}

/* A file that the container would see at an absolute path. */
static const char *fault_at(const struct look *look, int root, const char *path)
{
	if (!is_there(look, root, path))
		return " is not in the root file system";
	return is_below_a_mount(look->plan, path) ? NULL : fault_of_program(look, root, path);
}

/* Searches as init does: a file that cannot be executed does not end the search. */
static const char *fault_of_command(const struct look *look, int root, const char *name)
{
	const struct process_plan *p = &look->plan->process;
	const char *path = str_env_find(p->env, p->n_env, "PATH"), *fault = NULL;

	if (*name == '/')
		return fault_at(look, root, name);
	if (strchr(name, '/')) /* from the working directory, which may be created */
		return NULL;
	for (path = path ? path : DEFAULT_PATH;; path++) {
		size_t len = strcspn(path, ":");
		const char *candidate = arena_strf(look->arena, "%.*s/%s", (int)len, path, name);

		if (*candidate != '/')
			return NULL;
		if (is_there(look, root, candidate)) {
			const char *words = fault_at(look, root, candidate);

			if (!words)
				return NULL;
			fault = fault ? fault
				      : arena_strf(look->arena, " (%s)%s", candidate, words);
		}
		path += len;
		if (!*path)
			return fault ? fault : " is not in the root file system";
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
	if (words && str_starts(words, path))
		tell(look, json_path, what, "", words);
	else if (words)
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

static void look_at_namespaces(const struct look *look)
{
	const struct oci_linux *lin = look->plan->config->linux_;

	for (size_t i = 0; lin && i < lin->namespaces.n; i++)
		if (lin->namespaces.v[i].path)
			look_at(look, arena_strf(look->arena, "linux.namespaces[%zu].path", i),
				lin->namespaces.v[i].path, F_OK, "namespace");
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
	look_at_namespaces(look);
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

/* A place that the container's root may not enter, or where it may not create a missing mount
 * point. */
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

/* The program and the working directory of init, in the root file system. */
static void look_inside(const struct look *look, int root)
{
	const struct process_plan *p = &look->plan->process;
	const struct oci_hooks *hooks = look->plan->config->hooks;
	const char *fault = p->args ? fault_of_command(look, root, p->args[0]) : NULL;
	_cleanup_close_ int cwd = p->args ? resolve_open(root, p->cwd, O_PATH) : -1;
	struct stat st;

	if (fault)
		tell(look, "process.args[0]", "command", p->args[0], fault);
	if (cwd >= 0 && fstat(cwd, &st) == 0 && !S_ISDIR(st.st_mode) &&
	    !is_below_a_mount(look->plan, p->cwd))
		tell(look, "process.cwd", "working directory", p->cwd, " is not a directory");
	for (size_t i = 0; hooks && i < hooks->start_container.n; i++) {
		const char *path = hooks->start_container.v[i].path;

		fault = fault_at(look, root, path);
		if (fault)
			tell(look, arena_strf(look->arena, "hooks.startContainer[%zu].path", i),
			     "startContainer hook", path, fault);
	}
}

void explain_missing(struct arena *arena, const struct plan *plan,
		     const struct explain_missing *out)
{
	_cleanup_close_ int root =
		openat(AT_FDCWD, plan->rootfs.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct look look = { arena, plan, out };

	if (root < 0 && errno == ENOTDIR)
		tell(&look, "root.path", "root file system", plan->rootfs.path,
		     " is not a directory");
	else if (root < 0)
		look_at(&look, "root.path", plan->rootfs.path, F_OK, "root file system");
	look_at_host(&look);
	if (root < 0)
		return;
	look_at_targets(&look);
	look_inside(&look, root);
}
