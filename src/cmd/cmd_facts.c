/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/common.h"
#include "src/host/facts.h"

static const struct option options[] = { { 0 } };

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = NULL;
	struct facts facts = { 0 };
	int r = facts_gather(arena, FACTS_ALL, &facts, err);

	(void)globals;
	(void)data;
	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	w = json_write_new(true);
	facts_json_write(w, &facts);
	return common_print(w, err);
}

const struct cmd cmd_facts = {
	.name = "facts",
	.summary = "print what usrun knows about the host and caller, as JSON",
	.arguments = "",
	.options = options,
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
