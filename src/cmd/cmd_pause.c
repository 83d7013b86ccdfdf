/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/freeze.h"

static const struct option options[] = { { 0 } };

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	(void)data;
	(void)argc;
	return freeze_container(arena, globals, argv[0], true, err);
}

const struct cmd cmd_pause = {
	.name = "pause",
	.summary = "suspend all processes of a container",
	.arguments = "ID",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
