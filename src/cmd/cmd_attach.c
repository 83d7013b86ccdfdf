/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/cmd/common.h"
#include "src/run/supervise.h"
#include "src/state/status.h"
#include "src/steps/keeper.h"
#include "src/sys/signals.h"
#include "src/sys/tty.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

struct attach_options {
	const char *detach_keys;
};

static const struct option options[] = {
	{ 0, "detach-keys", OPTION_TEXT, offsetof(struct attach_options, detach_keys), "KEYS",
	  "keys that detach, such as ctrl-p,ctrl-q" },
	{ 0 },
};

static int refuse(const struct state *state, enum status status, struct err *err)
{
	if (status == STATUS_STOPPED)
		return err_set(err, EINVAL, "container %s is not running", state->id);
	(void)err_set(err, EINVAL, "container %s has no terminal to attach to", state->id);
	return err_hint(err,
			"`usrun run --detach --tty` keeps one; `usrun exec -t %s sh` starts a "
			"shell in the container",
			state->id);
}

static int open_terminal(struct arena *arena, const struct cmd_globals *globals, const char *id,
			 struct keeper_gift *gift, struct err *err)
{
	struct state state = { 0 };
	struct store *store;
	_cleanup_close_ int dirfd = common_open(arena, globals, id, &store, &state, err);
	int r = dirfd < 0 ? dirfd : status_of(&state, NULL, err);

	if (r < 0)
		return r;
	if (r == STATUS_STOPPED || !state.console_pid.set)
		return refuse(&state, (enum status)r, err);
	r = keeper_ask(dirfd, "console", gift);
	if (r < 0 && status_of(&state, NULL, err) == STATUS_STOPPED) /* meanwhile */
		return refuse(&state, STATUS_STOPPED, err);
	if (r == -ENOENT || r == -ECONNREFUSED || r == -ECONNRESET)
		return err_set(err, ECONNREFUSED,
			       "container %s: the process that keeps its terminal was killed", id);
	return r < 0 ? err_errno(err, -r, "ask for the terminal of container %s", id) : 0;
}

/* A change of size makes a full-screen program redraw. */
static void ask_to_redraw(int console)
{
	int window = tty_with_window();

	if (window >= 0 && tty_copy_size(window, console))
		tty_nudge(console);
}

static void tell_how_to_leave(struct arena *arena, const struct attach_options *o, const char *id)
{
	const char *text;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return;
	text = o->detach_keys
		       ? arena_strf(arena, "attached to %s; %s leaves it running\n", id,
				    o->detach_keys)
		       : arena_strf(arena,
				    "attached to %s; close the window to leave it running, or "
				    "attach with --detach-keys\n",
				    id);
	(void)io_write_all(STDERR_FILENO, text, strlen(text));
}

/* The cursor is behind the program's last output. */
static void tell_that_it_runs(struct arena *arena, const char *id)
{
	const char *text = arena_strf(arena, "\nleft %s running\n", id);

	if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
		(void)io_write_all(STDERR_FILENO, text, strlen(text));
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct attach_options *o = data;
	struct keeper_gift *gift = arena_new(arena, struct keeper_gift);
	struct supervise_attach attach = { 0 };
	_cleanup_close_ int signals = -1;
	struct child nobody = CHILD_NONE;
	struct supervise supervise = { .child = &nobody, .notify = -1, .manager = -1 };
	int r = o->detach_keys ? detach_parse(o->detach_keys, &attach.keys, err) : 0;

	(void)argc;
	if (r < 0)
		return err_prefix(err, "--detach-keys");
	r = open_terminal(arena, globals, argv[0], gift, err);
	if (r < 0)
		return r;
	tell_how_to_leave(arena, o, argv[0]);
	attach.keeper = gift->connection;
	attach.text = gift->text + 1;
	attach.len = gift->len - 1;
	supervise.attach = &attach;
	supervise.console = gift->console;
	r = supervise.signals = signals = supervise_block_signals(err);
	if (r >= 0) {
		ask_to_redraw(gift->console);
		r = supervise_run(&supervise, err);
	}
	if (attach.by_keys)
		tell_that_it_runs(arena, argv[0]);
	if (attach.why)
		log_notice("%s: %s", argv[0], attach.why);
	if (attach.ended_by)
		signals_act(attach.ended_by);
	return r;
}

const struct cmd cmd_attach = {
	.name = "attach",
	.summary = "attach to the terminal of a detached container",
	.arguments = "ID",
	.options = options,
	.options_size = sizeof(struct attach_options),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
