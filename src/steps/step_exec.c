/* SPDX-License-Identifier: Apache-2.0 */
/* The last steps of init: working directory, program, exec. Clients derive the exit codes 126 and
 * 127 from the messages about a missing or forbidden command. */
#include "src/steps/steps.h"

#include "src/base/elf.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/passwd.h"
#include "src/base/str.h"
#include "src/host/barrier.h"
#include "src/oci/annotations.h"
#include "src/sys/program.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* HOME from the container's /etc/passwd. Anything but a small regular file is the image's
 * problem. */
static const char *home_of(struct arena *arena, uint32_t uid)
{
	_cleanup_close_ int fd =
		openat(AT_FDCWD, "/etc/passwd", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct passwd user;
	struct err ignored;
	struct stat st;
	char *text;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    io_read_fd(fd, "/etc/passwd", 1024 * 1024, arena, &text, NULL, &ignored) < 0 ||
	    !passwd_find(arena, text, uid, &user) || !user.home || user.home[0] != '/')
		return "/";
	return user.home;
}

/* EPERM comes not from a file but from a filter loaded early: old profiles lack faccessat2 (Linux
 * 5.8). The call that they have checks the real ids, which are the same by now, but considers
 * capabilities only for root. So with CAP_DAC_OVERRIDE any execute bit is enough here. */
static int may_execute(const char *path, const struct stat *st, uint64_t caps)
{
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	if (access(path, X_OK) == 0)
		return 0;
	return (caps & UINT64_C(1) << CAP_DAC_OVERRIDE) && (st->st_mode & 0111) ? 0 : -EACCES;
}

/* Finds which directory or file refuses it. Not under the container's filter, which may kill the
 * caller. */
static void explain_denied(const struct start *start, const char *path, struct err *err)
{
	const struct barrier_view view = { .container = true,
					   .uids = &start->plan->idmap.uid,
					   .gids = &start->plan->idmap.gid };

	if (!(start->plan->flags & PLAN_SECCOMP_EARLY))
		barrier_hint(start->arena, &view, path, X_OK, err);
}

/* Below a bind mount a missing directory belongs to others, and step_rootfs_finish() leaves it
 * alone. The program may create it, and so may we with its rights; but not under its filter, which
 * may kill us, and not for an exec, whose caller wants to know. */
static void make_cwd(const struct start *start)
{
	const char *missing;
	int root, fd;

	if (!(start->plan->flags & PLAN_MOUNTS) || (start->plan->flags & PLAN_SECCOMP_EARLY))
		return;
	root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = resolve_deepest(root, start->plan->process.cwd, &missing);
	if (fd >= 0 && *missing)
		fd = resolve_make_below(fd, missing);
	fd_closep(&root);
	fd_closep(&fd);
}

static int enter_cwd(const struct start *start)
{
	const char *cwd = start->plan->process.cwd;

	if (chdir(cwd) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	make_cwd(start);
	return chdir(cwd);
}

int step_cwd(struct start *start, struct err *err)
{
	const char *cwd = start->plan->process.cwd;

	if (!start->plan->process.args || start->cwd_entered)
		return 0;
	if (enter_cwd(start) < 0) {
		if (errno == EACCES) {
			(void)err_set(err, EACCES,
				      ERR_AT "process.cwd: chdir to cwd (\"%s\"): permission "
					     "denied for uid %u",
				      cwd, start->plan->process.uid);
			explain_denied(start, cwd, err);
			return -EACCES;
		}
		if (errno == ENOENT) /* clients then try another command: status 127 */
			return err_set(err, ENOENT,
				       ERR_AT "process.cwd: chdir to cwd (\"%s\"): no such file "
					      "or directory",
				       cwd);
		return err_errno(err, errno, ERR_AT "process.cwd: chdir to cwd (\"%s\")", cwd);
	}
	return resolve_check_cwd(err);
}

/* Only these errors count as missing (127) or denied (126); a symlink loop, a name that is too
 * long, a failing disk or lack of memory do not. */
static int program_error(const char *path, int error, struct err *err)
{
	switch (error) {
	case ENOENT:
		return err_set(err, ENOENT, "exec: \"%s\": stat %s: no such file or directory",
			       path, path);
	case ENOTDIR:
		return err_set(err, ENOTDIR, "exec: \"%s\": not a directory", path);
	case EACCES:
	case EPERM:
		return err_set(err, EACCES, "exec: \"%s\": permission denied", path);
	default:
		return err_errno(err, error, "exec: \"%s\"", path);
	}
}

static int refuse_program(const struct start *start, const char *path, int error, struct err *err)
{
	int r = program_error(path, error, err);

	if (error == EACCES)
		explain_denied(start, path, err);
	return r;
}

static int check_program(const struct start *start, const char *path, struct err *err)
{
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return refuse_program(start, path, errno, err);
	if (S_ISDIR(st.st_mode))
		return err_set(err, EACCES, "exec: \"%s\": is a directory: permission denied",
			       path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EACCES,
			       "exec: \"%s\": is not a regular file: permission denied", path);
	r = may_execute(path, &st, start->plan->process.caps_effective);
	return r < 0 ? refuse_program(start, path, -r, err) : 0;
}

static const char *path_in(const struct process_plan *p)
{
	const char *path = str_env_find(p->env, p->n_env, "PATH");

	return path ? path : DEFAULT_PATH;
}

/* Names the directories searched; an empty root file system has none of them. */
static void explain_not_found(const struct start *start, const char *path, struct err *err)
{
	for (const char *at = path; *at; at += strspn(at, ":")) {
		size_t len = strcspn(at, ":");

		if (len && access(arena_strf(start->arena, "%.*s", (int)len, at), F_OK) == 0) {
			(void)err_hint(err, "looked in %s", path);
			return;
		}
		at += len;
	}
	(void)err_hint(err,
		       start->plan->options->sandbox
			       ? "none of the directories of PATH is there: %s"
			       : "the container has none of the directories %s: is a root file "
				 "system unpacked in root.path?",
		       path);
}

static int find_in_path(struct start *start, const char *name, struct err *err)
{
	const struct process_plan *p = &start->plan->process;
	const char *path = path_in(p);
	struct err later;
	int refused = 0; /* more informative than "not found" */

	while (*name) {
		size_t len = strcspn(path, ":");
		const char *candidate =
			len ? arena_strf(start->arena, "%.*s/%s", (int)len, path, name)
			    : arena_strf(start->arena, "./%s", name);
		int r = check_program(start, candidate, refused ? &later : err);

		if (r == 0) {
			start->exec_path = candidate;
			return 0;
		}
		if (!refused && r != -ENOENT && r != -ENOTDIR)
			refused = r;
		if (!path[len])
			break;
		path += len + 1;
	}
	if (refused)
		return refused;
	(void)err_set(err, ENOENT,
		      "exec: \"%s\": executable file not found in $PATH: no such file or directory",
		      name);
	explain_not_found(start, path_in(p), err);
	return -ENOENT;
}

static void set_env(struct start *start)
{
	const struct process_plan *p = &start->plan->process;
	bool has_home = str_env_find(p->env, p->n_env, "HOME");
	const char *home =
		has_home ? NULL
			 : arena_strf(start->arena, "HOME=%s", home_of(start->arena, p->uid));

	start->n_env = p->n_env + !has_home;
	start->env = str_list(start->arena, p->env, p->n_env, &home, !has_home);
}

int step_exec_find(struct start *start, struct err *err)
{
	const struct process_plan *p = &start->plan->process;

	if (!p->args)
		return 0;
	set_env(start);
	if (!strchr(p->args[0], '/'))
		return find_in_path(start, p->args[0], err);
	start->exec_path = p->args[0];
	return check_program(start, p->args[0], err);
}

static int first_own_fd(const struct start *start)
{
	const struct plan_options *options = start->plan->options;

	/* The caller's first descriptors are passed on to the program. */
	return 3 + (int)options->preserve_fds + (int)options->listen_fds;
}

int step_fds_close(struct start *start, struct err *err)
{
	(void)err;
	/* The exec closes all our descriptors, and any that leaked into us. */
	program_cloexec_from(first_own_fd(start));
	return 0;
}

static void explain_format(const char *head, size_t n, struct err *err)
{
	const char *machine = elf_machine(head, n);
	struct utsname own;

	if (machine && uname(&own) == 0 && !str_equal(own.machine, machine))
		err_hint(err, "the file is for %s, and this host is %s", machine, own.machine);
	else if (!machine && !str_starts(head, "#!"))
		err_hint(err, "it is neither an ELF file nor a script with a #! line");
	else
		err_hint(err, "the file is for another architecture, or damaged");
}

/* ENOENT for a script means its interpreter, which a user would never guess. */
static int explain_exec(const char *path, int error, struct err *err)
{
	_cleanup_close_ int fd =
		openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char head[4096] = "";
	ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof(head) - 1);
	const char *loader = elf_loader(head, n > 0 ? (size_t)n : 0);

	head[n > 0 ? n : 0] = '\0';
	if (str_starts(head, "#!"))
		head[strcspn(head, "\n")] = '\0';
	if (error == ENOENT && str_starts(head, "#!"))
		return err_set(err, ENOENT,
			       "exec %s: no such file or directory: its interpreter \"%s\" is not "
			       "in the container%s",
			       path, head + 2 + strspn(head + 2, " \t"),
			       str_ends(head, "\r") ? " (the line ends in a carriage return)" : "");
	if (error == ENOENT)
		return err_set(
			err, ENOENT,
			"exec %s: no such file or directory: its loader %s is not in the container",
			path, loader ? loader : "(that of the libraries it was linked with)");
	if (error == EACCES || error == EPERM)
		return err_set(err, error, "exec %s: permission denied", path);
	(void)err_errno(err, error, "exec %s", path);
	if (error == ENOEXEC)
		explain_format(head, n > 0 ? (size_t)n : 0, err);
	return -error;
}

/* Our own file, which self_protect() has made read-only. */
static int exec_reaper(struct start *start, const char **env, struct err *err)
{
	const struct process_plan *p = &start->plan->process;
	const char *first[] = { START_REAPER_NAME, start->exec_path };
	const char **words = str_list(start->arena, first, 2, p->args, p->n_args);

	(void)execve("/proc/self/exe", (char *const *)(uintptr_t)words,
		     (char *const *)(uintptr_t)env);
	return err_errno(err, errno,
			 ERR_AT "annotations[\"%s\"]: execute usrun as the first process",
			 ANNOTATIONS_INIT);
}

/* Renames variables so that nothing acts on them: LD_PRELOAD, for one, is meant for the program
 * that the handler runs. */
static const char **as_data(struct arena *arena, const struct handler_kept *handler,
			    const char *const *env)
{
	size_t n = 0, count = 0;
	const char **v;

	while (env[n])
		n++;
	v = arena_array(arena, n + handler->env.n + 1, sizeof(*v));
	for (; count < n; count++)
		v[count] = arena_strf(arena, PLAN_HANDLER_ENV "%s", env[count]);
	for (size_t i = 0; i < handler->env.n; i++) {
		const char *value = str_env_find(env, n, handler->env.v[i]);

		if (value)
			v[count++] = arena_strf(arena, "%s=%s", handler->env.v[i], value);
	}
	return v;
}

int step_exec(struct start *start, struct err *err)
{
	const struct process_plan *p = &start->plan->process;
	const char *listen[3], **env;
	size_t n = 0;

	if (!p->args)
		return err_set(err, EINVAL,
			       ERR_AT "process: missing, so there is nothing to start");
	if (start->plan->options->listen_fds) {
		listen[n++] =
			arena_strf(start->arena, "LISTEN_FDS=%u", start->plan->options->listen_fds);
		listen[n++] = arena_strf(start->arena, "LISTEN_PID=%d", (int)getpid());
		if (start->plan->options->listen_names)
			listen[n++] = arena_strf(start->arena, "LISTEN_FDNAMES=%s",
						 start->plan->options->listen_names);
	}
	env = str_list(start->arena, start->env, start->n_env, listen, n);
	if (p->handler)
		env = as_data(start->arena, p->handler, env);
	if (p->reaper)
		return exec_reaper(start, env, err);
	(void)execve(start->exec_path, (char *const *)(uintptr_t)p->args,
		     (char *const *)(uintptr_t)env);
	return explain_exec(start->exec_path, errno, err);
}
