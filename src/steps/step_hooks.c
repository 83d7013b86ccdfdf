/* SPDX-License-Identifier: Apache-2.0 */
/* The hook points of a start. Those of the runtime's namespaces run in the parent, with the bundle
 * as working directory; createContainer and startContainer run in init. But where init comes last,
 * because it is born among others, those before have the stager's pid, and none is seen in the pid
 * namespace while it sees the host. */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/steps/hooks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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
			 /* RT-012, RT-013: the pid as the hook would see it. */
			 .pid = inside                         ? getpid()
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

/* Before the clone: the files are the caller's, and hooks in the container write to them, too. */
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

int step_hooks_create_container(struct start *start, struct err *err)
{
	int r;

	/* Paths of these hooks are the runtime's, their namespaces the container's; the rootfs is
	 * where they work. */
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
