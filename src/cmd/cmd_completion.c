/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/common.h"
#include "src/cmd/completion.h"

static const struct option options[] = { { 0 } };

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	_cleanup_str_ struct str out = { 0 };

	(void)arena;
	(void)globals;
	(void)data;
	(void)argc;
	if (str_equal(argv[0], "bash"))
		completion_bash(&out);
	else if (str_equal(argv[0], "zsh"))
		completion_zsh(&out);
	else if (str_equal(argv[0], "fish"))
		completion_fish(&out);
	else
		return err_set(err, EINVAL, "expected bash, zsh or fish, got \"%s\"", argv[0]);
	return common_print_text(&out, err);
}

const struct cmd cmd_completion = {
	.name = "completion",
	.summary = "print the completion script of a shell",
	.arguments = "bash|zsh|fish",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
