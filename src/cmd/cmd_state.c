/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/cmd/common.h"

static const struct option options[] = { { 0 } };

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = NULL;
	_cleanup_close_ int dirfd = -1;
	struct store *store;
	struct state state = { 0 };
	int r;

	(void)data;
	(void)argc;
	dirfd = common_open(arena, globals, argv[0], &store, &state, err);
	if (dirfd < 0)
		return dirfd;
	w = json_write_new(true);
	r = common_write_state(w, &state, "", err);
	return r < 0 ? r : common_print(w, err);
}

const struct cmd cmd_state = {
	.name = "state",
	.summary = "print the state of a container as JSON",
	.arguments = "ID",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
