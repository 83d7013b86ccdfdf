/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/launch.h"

#include <stddef.h>

struct create_options {
	struct launch_options launch;
};

static const struct option options[] = {
	LAUNCH_OPTIONS(struct create_options),
	{ 0, "no-subreaper", OPTION_ACCEPTED, 0, "", "ignored (runc compatibility)" },
	{ 0 },
};

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct create_options *o = data;
	const struct launch_as as = { .id = argv[0], .wait_start = true, .detach = true };
	struct launch *launch = arena_new(arena, struct launch);
	int r;

	(void)argc;
	r = launch_plan(arena, globals, &o->launch, &as, launch, err);
	if (r == 0)
		r = launch_check_stdin(launch->plan, "create", err);
	return r < 0 ? r : launch_start(launch, globals, err);
}

const struct cmd cmd_create = {
	.name = "create",
	.summary = "create a container that waits for `start`",
	.arguments = "ID",
	.options = options,
	.options_size = sizeof(struct create_options),
	.min_args = 1,
	.max_args = 1,
	.starts = true,
	.run = run,
};
