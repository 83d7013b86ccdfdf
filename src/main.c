/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatch: global options, the command and its options; and the only place that prints an
 * error. */
#include "src/base/fd.h"
#include "src/base/memory.h"
#include "src/cmd/common.h"
#include "src/cmd/options.h"
#include "src/run/reaper.h"
#include "src/run/trace.h"
#include "src/sys/program.h"
#include "src/sys/self.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int print(struct str *text, struct err *err)
{
	int r = common_print_text(text, err);

	str_done(text);
	return r;
}

static enum log_level level_of(const struct options_global *o)
{
	static const char names[][8] = { "error", "warning", "info", "debug" };

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
		/* conmon passes its stderr to an engine, which prefixes it with the runtime's
		 * name. */
		.bare = getenv("_OCI_SYNCPIPE"),
	};

	/* Log targets of other runtimes: a file of that name would hide that nothing reaches the
	 * target. */
	if (o->log && !*settings.path)
		return err_set(err, EINVAL,
			       "--log: expected FILE or file:FILE, got an empty string");
	if (o->log && (str_starts(o->log, "journald:") || str_starts(o->log, "syslog:")))
		return err_set(err, EINVAL, "--log: expected FILE or file:FILE, got %s", o->log);
	return log_open(&settings, err);
}

static int no_such_command(const char *name, struct err *err)
{
	const char *nearest = options_nearest(name);

	(void)err_set(err, EINVAL, "unknown command \"%.64s\"", name);
	if (nearest)
		err_hint(err, "did you mean \"%s\"? `usrun --help` lists the commands", nearest);
	return err_hint(err, "`usrun --help` lists the commands");
}

static int add_usage(const struct cmd *cmd, const char *more, struct err *err)
{
	return err_hint(err, "usage: usrun %s [OPTION...]%s%s%s", cmd->name,
			*cmd->arguments ? " " : "", cmd->arguments, more);
}

static int check_count(const struct cmd *cmd, int n, struct err *err)
{
	const char *what = cmd->min_args == cmd->max_args ? "exactly"
			   : n < cmd->min_args            ? "a minimum of"
							  : "a maximum of";
	int wanted = n < cmd->min_args ? cmd->min_args : cmd->max_args;

	if (n >= cmd->min_args && (cmd->max_args < 0 || n <= cmd->max_args))
		return 0;
	(void)err_set(err, EINVAL, "\"%s\" requires %s %d argument(s), got %d", cmd->name, what,
		      wanted, n);
	return add_usage(cmd, cmd->starts && n > wanted ? "; the config says which program" : "",
			 err);
}

static int help_command(const struct cmd *cmd, struct err *err)
{
	struct str text = { 0 };

	options_help_command(&text, cmd);
	return print(&text, err);
}

static int call(struct arena *arena, const struct cmd *cmd, const struct cmd_globals *globals,
		int argc, char **argv, struct err *err)
{
	void *values = arena_alloc(arena, cmd->options_size + 1);
	bool help = false;
	int r = options_parse(arena, cmd->options, cmd->stop_at_first, argc, argv, values, &help,
			      err);

	if (r < 0)
		return add_usage(
			cmd, arena_strf(arena, "; `usrun %s --help` lists the options", cmd->name),
			err);
	if (help)
		r = help_command(cmd, err);
	if (help && r == 0 && cmd->available) /* engines test this by the exit status */
		r = cmd->available(arena, globals, err);
	if (help)
		return r;
	argc -= r;
	argv += r;
	r = check_count(cmd, argc, err);
	return r < 0 ? r : cmd->run(arena, globals, values, argc, argv, err);
}

static int open_trace(const struct cmd *cmd, const char *path, struct err *err)
{
	if (!path)
		return 0;
	if (!cmd->starts)
		return err_set(err, EINVAL, "--trace: \"%s\" does not start a process", cmd->name);
	return trace_open(path, err);
}

static int run_command(struct arena *arena, const struct cmd *cmd, const struct options_global *o,
		       int argc, char **argv, struct err *err)
{
	const struct cmd_globals globals = {
		.root = o->root,
		.called_as = o->called_as,
		.cgroup_manager = o->cgroup_manager   ? o->cgroup_manager
				  : o->systemd_cgroup ? "systemd"
						      : NULL,
		.criu = o->criu,
	};
	const int failure = cmd->exit_failure ? cmd->exit_failure : CMD_EXIT_FAILURE;
	int r = open_trace(cmd, o->trace, err);

	memory_fail_with(failure);
	if (r == 0)
		r = call(arena, cmd, &globals, argc, argv, err);
	if (r >= 0)
		return r;
	(void)err_document(err, "config.json"); /* unless the command has set a better one */
	log_failure(err);
	return failure;
}

static int help(const char *name, struct err *err)
{
	const struct cmd *cmd = name ? options_find(name) : NULL;
	struct str text = { 0 };

	if (cmd)
		return help_command(cmd, err);
	if (name)
		return no_such_command(name, err);
	options_help(&text);
	return print(&text, err);
}

static int version(struct arena *arena, const struct options_global *o, struct err *err)
{
	const struct cmd_globals globals = { .criu = o->criu };
	struct str text = { 0 };
	struct err ignored;

	cmd_version(&text, cmd_restore.available(arena, &globals, &ignored) == 0);
	return print(&text, err);
}

/* Parses the options before the command. Returns how many words they took. Inlined, its own error
 * would stay on the stack of everything that follows, and of an init that waits. */
static __attribute__((noinline)) int parse_globals(struct arena *arena, int argc, char **argv,
						   struct options_global *o, struct err *err)
{
	struct err ignored;
	int n = options_parse(arena, options_globals, true, argc, argv, o, &o->help, err), r;

	if (n < 0) {
		err_hint(err, "`usrun --help` lists the options");
		(void)open_log(o, &ignored); /* if possible, the caller reads about it there */
		return n;
	}
	r = open_log(o, err);
	return r < 0 ? r : n;
}

/* A false positive costs only two system calls. */
static bool passes_descriptors(char **argv)
{
	bool found = getenv("LISTEN_FDS") != NULL;

	for (size_t i = 1; !found && argv[0] && argv[i]; i++)
		found = strstr(argv[i], "preserve-fds") != NULL;
	return found;
}

static int start(struct arena *arena, int argc, char **argv, struct err *err)
{
	struct options_global o = { .called_as = argv[0] };
	const struct cmd *cmd;
	int n, r = fd_fill_stdio(err);

	if (r < 0)
		return r;
	if (passes_descriptors(argv))
		fd_note_passed();
	n = parse_globals(arena, argc - 1, argv + 1, &o, err);
	if (n < 0)
		return n;
	argc -= n + 1;
	argv += n + 1;
	if (o.version)
		return version(arena, &o, err);
	if (o.help || argc < 1)
		return help(NULL, err);
	if (str_equal(argv[0], "help"))
		return help(argv[1], err);
	cmd = options_find(argv[0]);
	return cmd ? run_command(arena, cmd, &o, argc - 1, argv + 1, err)
		   : no_such_command(argv[0], err);
}

/* What failed before a command could begin has failed as that command: the status of `exec` or `do`
 * is otherwise that of a program. */
static int status_of_failure(struct arena *arena, int argc, char **argv)
{
	struct options_global o = { 0 };
	const struct cmd *cmd = NULL;
	struct err ignored;
	int n = argc > 1 ? options_parse(arena, options_globals, true, argc - 1, argv + 1, &o,
					 &o.help, &ignored)
			 : -EINVAL;

	if (n >= 0 && n + 1 < argc)
		cmd = options_find(argv[n + 1]);
	return cmd && cmd->exit_failure ? cmd->exit_failure : CMD_EXIT_FAILURE;
}

/* We must be able to use what we create: a state without a right to read it is lost. */
static void keep_own_rights(void)
{
	mode_t mask = umask(0077);

	if ((mask & ~0700U) != 0077)
		(void)umask(mask & ~0700U);
}

int main(int argc, char **argv)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	int r;

	if (reaper_is_asked(argv))
		return reaper_run(argv);
	r = self_protect(argv, &err);
	program_keep_children();
	keep_own_rights();
	program_keep_words(&arena, argv);
	if (r == 0)
		r = start(&arena, argc, argv, &err);
	if (r < 0) {
		log_failure(&err);
		r = status_of_failure(&arena, argc, argv);
	}
	if (USRUN_SANITIZED) /* else the kernel frees it, without writing to each block first */
		arena_free(&arena);
	return r;
}
