/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/launch.h"
#include "src/run/notify.h"

#include <stddef.h>

struct run_options {
	struct launch_options launch;
	bool detach, keep;
};

static const struct option options[] = {
	LAUNCH_OPTIONS(struct run_options),
	{ 'd', "detach", OPTION_FLAG, offsetof(struct run_options, detach), "",
	  "return once the process is running" },
	{ 't', "tty", OPTION_FLAG, offsetof(struct run_options, launch.tty), "",
	  "allocate a terminal, for `attach` with --detach" },
	{ 0, "keep", OPTION_FLAG, offsetof(struct run_options, keep), "",
	  "keep the state after the process has exited" },
	{ 0, "net", OPTION_TEXT, offsetof(struct run_options, launch.net), "NETWORK",
	  "none, host, slirp4netns, pasta, proxy:CMD or PATH" },
	{ 'p', "publish", OPTION_LIST, offsetof(struct run_options, launch.publish), "PORTS",
	  "publish a port, such as 8080:80; may repeat" },
	{ 0, "host-loopback", OPTION_FLAG, offsetof(struct run_options, launch.host_loopback), "",
	  "allow the host's loopback, at 10.0.2.2" },
	{ 0, "metadata", OPTION_FLAG, offsetof(struct run_options, launch.metadata), "",
	  "allow 169.254.0.0/16 (cloud metadata)" },
	{ 0, "overlay", OPTION_MAYBE, offsetof(struct run_options, launch.overlay), "DIR",
	  "discard rootfs changes, or keep them in DIR" },
	{ 0, "no-subreaper", OPTION_ACCEPTED, 0, "", "ignored (runc compatibility)" },
	{ 0 },
};

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct run_options *o = data;
	const struct launch_as as = { .id = argv[0], .detach = o->detach };
	struct launch *launch = arena_new(arena, struct launch);
	int r;

	(void)argc;
	r = launch_plan(arena, globals, &o->launch, &as, launch, err);
	if (r < 0)
		return r;
	if (!launch->config->process) {
		(void)err_set(err, EINVAL, ERR_AT "process: needed to run the container");
		return err_document(err, launch->config_name);
	}
	if (!o->detach)
		return launch_foreground(launch, globals,
					 &(struct launch_foreground){ .keep = o->keep }, err);
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
	.starts = true,
	.run = run,
};
