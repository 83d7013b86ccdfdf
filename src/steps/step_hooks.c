/* SPDX-License-Identifier: Apache-2.0 */
/* The hook points of a start. Those of the runtime's namespaces run in the parent, with the bundle
 * as working directory; createContainer and startContainer run in init. But where init comes last,
 * because it is born among others, those before have the stager's pid, and none is seen in the pid
 * namespace while it sees the host. */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/oci/names.h"
#include "src/steps/hooks.h"
#include "src/sys/pidfd.h"
#include "src/sys/program.h"
#include "src/sys/sock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEATH_TIMEOUT_MS = 10000 };

static int run_point(struct start *start, const oci_hook_list *hooks, const char *point,
		     const char *status, struct err *err)
{
	const struct plan *plan = start->plan;
	bool inside = start->me != ACTOR_PARENT;
	_cleanup_close_ int bundle = -1;
	struct hooks_request request = {
		.hooks = hooks,
		.point = point,
		.doc = { .id = plan->options->id,
			 .status = status,
			 .bundle = plan->options->bundle,
			 .annotations = plan->config->annotations.v,
			 .n_annotations = plan->config->annotations.n,
			 /* RT-012, RT-013: the pid as the hook sees it. */
			 .pid = start->hooks_pid               ? start->hooks_pid
				: inside                       ? getpid()
				: child_is_there(&start->init) ? start->init.pid
							       : start->stager.pid },
		.default_env = inside ? NULL : (const char *const *)environ,
		.cwd_fd = -1,
		.output = start->hooks_output,
		.signals = inside ? NULL : &start->signals,
	};

	if (!hooks->n)
		return 0;
	if (!inside) {
		start->hooks_ran = true;
		bundle = openat(AT_FDCWD, plan->options->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
		request.cwd_fd = bundle;
	}
	return hooks_run(&request, err);
}

/* Before the clone: the files belong to the caller, and hooks in the container write to them as
 * well. */
int step_hooks_output(struct start *start, struct err *err)
{
	return hooks_open_output(start->plan->hooks_stdout, start->plan->hooks_stderr,
				 &start->hooks_output, err);
}

int step_hooks_prestart(struct start *start, struct err *err)
{
	return run_point(start, &start->plan->config->hooks->prestart, "prestart", "creating", err);
}

int step_hooks_create_runtime(struct start *start, struct err *err)
{
	return run_point(start, &start->plan->config->hooks->create_runtime, "createRuntime",
			 "creating", err);
}

/* The paths of these hooks are the runtime's, their namespaces the container's; they run with the
 * rootfs as working directory. */
static int run_in_rootfs(struct start *start, struct err *err)
{
	int r;

	if (fchdir(start->rootfs) < 0)
		return err_errno(err, errno, "enter the rootfs for createContainer hooks");
	if (start->plan->flags & PLAN_MOUNTS)
		(void)umask(start->umask);
	r = run_point(start, &start->plan->config->hooks->create_container, "createContainer",
		      "creating", err);
	if (start->plan->flags & PLAN_MOUNTS)
		(void)umask(0);
	return r;
}

/* The stager's namespaces except pid; for time its own, because a new one is for its children. */
static int kinds_to_follow(const struct start *start)
{
	int flags = 0;

	for (int kind = 0; kind < PLAN_NS_COUNT; kind++)
		if (kind != PLAN_NS_PID && kind != PLAN_NS_TIME &&
		    (start->plan->ns.v[kind].action == NS_NEW || kind == PLAN_NS_USER ||
		     start->late_join[kind]))
			flags |= (int)names_namespaces[kind].value;
	return flags;
}

static int follow(struct start *start, int sock, struct err *err)
{
	_cleanup_close_ int stager = -1;
	int flags, r;

	/* The first message arrives when the hooks are due, or never if the stager ends. */
	if (sock_recv(sock, &flags, sizeof(flags), &stager) != sizeof(flags) ||
	    sock_recv(sock, &flags, sizeof(flags), &start->rootfs) != sizeof(flags))
		child_exit(1);
	r = pidfd_join(stager, flags);
	if (r < 0)
		return err_errno(err, -r, "enter the namespaces for createContainer hooks");
	return step_become_root(start, err);
}

static __attribute__((noreturn)) void stay_outside(struct start *start, int sock)
{
	const int own[] = { sock, start->hooks_output.out, start->hooks_output.err };
	struct err err = { 0 };
	int r;

	start_close_others(start, own, sizeof(own) / sizeof(own[0]));
	log_forget();
	program_reset_signals(start->plan->facts->caller.signals_ignored);
	(void)setsid();
	start->lifeline = sock;
	start->hooks_pid = getppid();
	start->umask = umask(0);
	r = start_end_with_parent(start, &err);
	if (r == 0)
		r = follow(start, sock, &err);
	if (r == 0)
		r = run_in_rootfs(start, &err);
	(void)sock_send(sock, &err, sizeof(err), -1);
	child_exit(r < 0);
}

static int make_runner(struct start *start, struct err *err)
{
	const struct clone_request request = { .cgroup_fd = -1 };
	int pair[2], r = sock_pair(pair, err);

	if (r < 0)
		return r;
	r = child_clone(&request, &start->hooks_runner);
	if (r == 0)
		stay_outside(start, pair[1]);
	fd_closep(&pair[1]);
	start->hooks_sock = pair[0];
	return r < 0 ? err_errno(err, -r, "create a process for createContainer hooks") : 0;
}

/* From here on others can see the stager's children. So the hooks' process is created before, and
 * follows the stager into its other namespaces. */
int step_pidns_join_early(struct start *start, struct err *err)
{
	int r = 0;

	if (step_ns_pid_comes_last(start))
		return 0;
	if (start->plan->flags & PLAN_HOOKS_CONTAINER)
		r = make_runner(start, err);
	return r < 0 ? r : step_ns_join_pid(start, err);
}

static int run_outside(struct start *start, struct err *err)
{
	_cleanup_close_ int own = pidfd_open_process(getpid());
	const int flags = kinds_to_follow(start);
	int r = own < 0 ? own : 0, ignored;
	struct err said;

	if (r == 0)
		r = sock_send(start->hooks_sock, &flags, sizeof(flags), own);
	if (r == 0)
		r = sock_send(start->hooks_sock, &flags, sizeof(flags), start->rootfs);
	if (r == 0 && sock_recv(start->hooks_sock, &said, sizeof(said), &ignored) != sizeof(said))
		r = -ECHILD;
	fd_closep(&start->hooks_sock);
	(void)child_end(&start->hooks_runner, DEATH_TIMEOUT_MS);
	if (r < 0)
		return err_errno(err, -r, "run createContainer hooks");
	*err = said;
	return -said.code;
}

int step_hooks_create_container(struct start *start, struct err *err)
{
	return child_is_there(&start->hooks_runner) ? run_outside(start, err)
						    : run_in_rootfs(start, err);
}

int step_hooks_start_container(struct start *start, struct err *err)
{
	const struct plan *plan = start->plan;
	struct hooks_request request = {
		.hooks = &plan->config->hooks->start_container,
		.point = "startContainer",
		.doc = { .id = plan->options->id,
			 .status = "created",
			 .bundle = plan->options->bundle,
			 .annotations = plan->config->annotations.v,
			 .n_annotations = plan->config->annotations.n,
			 .pid = getpid() },
		.default_env = start->env,
		.cwd_fd = -1,
		.output = start->hooks_output,
	};

	return hooks_run(&request, err);
}

int step_hooks_poststart(struct start *start, struct err *err)
{
	return run_point(start, &start->plan->config->hooks->poststart, "poststart", "running",
			 err);
}
