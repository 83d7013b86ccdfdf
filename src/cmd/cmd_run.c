/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/cmd/cgroup_of.h"
#include "src/cmd/launch.h"
#include "src/run/notify.h"
#include "src/run/supervise.h"

#include <signal.h>
#include <stddef.h>

struct run_options {
	struct launch_options launch;
	bool detach, keep;
};

static const struct option options[] = {
	LAUNCH_OPTIONS(struct run_options),
	{ 'd', "detach", OPTION_FLAG, offsetof(struct run_options, detach), NULL,
	  "return once the process is running", NULL },
	{ 0, "keep", OPTION_FLAG, offsetof(struct run_options, keep), NULL,
	  "keep the state after the process has exited", NULL },
	{ 0, "no-subreaper", OPTION_ACCEPTED, 0, NULL, "ignored (runc compatibility)", NULL },
	{ 0 },
};

/* A scope's count may be gone with its group: what was seen of it before, else what is there still. */
static void tell_oom(struct launch *launch, const struct driver_oom *oom, const char *words,
		     int status)
{
	if (oom->seen && status == 128 + SIGKILL)
		log_notice("container %s: %s", launch->state.id, words);
	else
		cgroup_of_tell_oom(launch->arena, &launch->state, status, 0);
}

static int foreground(struct launch *launch, const struct cmd_globals *globals, bool keep,
		      struct err *err)
{
	_cleanup_close_ int signals = supervise_block_signals(err);
	struct supervise supervise = { .signals = signals };
	struct driver_oom oom = { .fd = -1 };
	const char *words = NULL;
	struct err later;
	int status, r = launch->signals = signals;

	if (r >= 0)
		r = launch_start(launch, globals, err);
	if (r < 0 && launch->start.signals.ended_by)
		signals_act(launch->start.signals.ended_by);
	if (r < 0)
		return r;
	start_forward_signals(&launch->start);
	supervise.child = &launch->start.init;
	supervise.console = fd_take(&launch->start.console_master);
	supervise.notify = launch->start.notify_listener;
	supervise.manager = launch->manager;
	if (cgroup_of_watch_oom(launch->arena, &launch->state, &oom, &words))
		supervise.oom = &oom;
	status = supervise_run(&supervise, err);
	fd_closep(&oom.fd);
	tell_oom(launch, &oom, words, status);
	/* Also when we cannot watch it any more: nobody else would end what runs in the foreground. */
	if (!keep && launch_delete(launch, &later) < 0)
		log_notice("cleaning up: %s", later.text);
	return status;
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct run_options *o = data;
	struct launch *launch = arena_new(arena, struct launch);
	int r;

	(void)argc;
	r = launch_plan(arena, globals, &o->launch, argv[0], false, o->detach, launch, err);
	if (r < 0)
		return r;
	if (!launch->config->process)
		return err_set(err, EINVAL, ERR_AT "process: needed to run the container");
	if (!o->detach)
		return foreground(launch, globals, o->keep, err);
	r = launch_check_stdin(launch->plan, "run --detach", err);
	if (r == 0)
		r = launch_start(launch, globals, err);
	if (r == 0 && launch->start.notify_listener >= 0)
		notify_await(launch->start.notify_listener, launch->manager, launch->start.init.pid,
			     launch->start.init.pidfd);
	return r;
}

const struct cmd cmd_run = {
	.name = "run",
	.summary = "create and start a container, in the foreground unless --detach",
	.arguments = "ID",
	.options = options,
	.options_size = sizeof(struct run_options),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
