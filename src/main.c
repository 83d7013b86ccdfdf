/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatch: global options, command, its options; and the one place where an error is printed. */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/cmd/options.h"
#include "src/cmd/version.h"
#include "src/sys/self.h"

#include <string.h>
#include <unistd.h>

static int print(struct str *text)
{
	int r = io_write_all(STDOUT_FILENO, text->s, text->len);

	str_done(text);
	return r < 0 ? CMD_EXIT_FAILURE : 0;
}

static enum log_level level_of(const struct options_global *o)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	if (o->debug)
		return LOG_DEBUG;
	for (size_t i = 0; o->log_level && i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(o->log_level, names[i], 4) == 0)
			return (enum log_level)i;
	return LOG_ERROR;
}

static int open_log(const struct options_global *o, struct err *err)
{
	struct log_settings settings = {
		.path = o->log && str_starts(o->log, "file:") ? o->log + 5 : o->log,
		.json = str_equal(o->log_format, "json"),
		.level = level_of(o),
		.program = "usrun",
	};

	return log_open(&settings, err);
}

static int no_such_command(const char *name, struct err *err)
{
	(void)err_set(err, EINVAL, "unknown command \"%s\"", name);
	err_hint(err, "`usrun --help` lists the commands");
	return -EINVAL;
}

static int check_count(const struct cmd *cmd, int n, struct err *err)
{
	if (n >= cmd->min_args && (cmd->max_args < 0 || n <= cmd->max_args))
		return 0;
	if (cmd->min_args == cmd->max_args)
		return err_set(err, EINVAL, "\"%s\" requires exactly %d argument(s), got %d: usrun %s %s",
			       cmd->name, cmd->min_args, n, cmd->name, cmd->arguments);
	return err_set(err, EINVAL, "\"%s\" requires a %s of %d argument(s), got %d: usrun %s %s", cmd->name,
		       n < cmd->min_args ? "minimum" : "maximum",
		       n < cmd->min_args ? cmd->min_args : cmd->max_args, n, cmd->name, cmd->arguments);
}

static int run_command(struct arena *arena, const struct cmd *cmd, const struct options_global *o, int argc,
		       char **argv, struct err *err)
{
	const struct cmd_globals globals = {
		.root = o->root,
		.cgroup_manager = o->cgroup_manager ? o->cgroup_manager :
				  o->systemd_cgroup ? "systemd" :
						      NULL,
		.debug = o->debug,
	};
	void *values = arena_alloc(arena, cmd->options_size + 1);
	struct str text = { 0 };
	bool help = false;
	int r = options_parse(arena, cmd->options, cmd->stop_at_first, argc, argv, values, &help, err);

	if (r >= 0 && help) {
		options_help_command(&text, cmd);
		return print(&text);
	}
	if (r >= 0) {
		argc -= r;
		argv += r;
		r = check_count(cmd, argc, err);
	}
	if (r >= 0)
		r = cmd->run(arena, &globals, values, argc, argv, err);
	if (r >= 0)
		return r;
	log_failure(err);
	return cmd->exit_failure ? cmd->exit_failure : CMD_EXIT_FAILURE;
}

static int start(struct arena *arena, int argc, char **argv, struct err *err)
{
	struct options_global o = { 0 };
	struct str text = { 0 };
	const struct cmd *cmd;
	int n = 0, r = fd_fill_stdio(err);

	if (r == 0)
		r = n = options_parse(arena, options_globals, true, argc - 1, argv + 1, &o, &o.help, err);
	if (r >= 0)
		r = open_log(&o, err);
	if (r < 0)
		return r;
	argc -= n + 1;
	argv += n + 1;
	if (o.version) {
		version_print(&text);
		return print(&text);
	}
	if (o.help || argc < 1 || str_equal(argv[0], "help")) {
		options_help(&text);
		return print(&text);
	}
	cmd = options_find(argv[0]);
	if (!cmd)
		return no_such_command(argv[0], err);
	return run_command(arena, cmd, &o, argc - 1, argv + 1, err);
}

int main(int argc, char **argv)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	int r = self_protect(argv, &err);

	if (r == 0)
		r = start(&arena, argc, argv, &err);
	if (r < 0) {
		log_failure(&err);
		r = CMD_EXIT_FAILURE;
	}
	arena_free(&arena);
	return r;
}
