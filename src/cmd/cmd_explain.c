/* SPDX-License-Identifier: Apache-2.0 */
/* Decides without acting: prints the plan of a bundle, for this host or for given facts; or, with
 * an id, what became of a container's plan. */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/cmd/common.h"
#include "src/cmd/explain_criu.h"
#include "src/cmd/explain_ignored.h"
#include "src/cmd/explain_missing.h"
#include "src/cmd/launch.h"
#include "src/cmd/waiting_end.h"
#include "src/host/facts.h"
#include "src/oci/decode.h"
#include "src/plan/plan.h"
#include "src/run/trace.h"
#include "src/state/last_failure.h"
#include "src/state/status.h"
#include "src/state/undo_list.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct explain_options {
	const char *bundle, *config, *facts, *map;
	bool steps, timing, checkpoint, restore;
};

static const struct option options[] = {
	{ 'b', "bundle", OPTION_TEXT, offsetof(struct explain_options, bundle), "DIR",
	  "bundle directory (default: the current one)" },
	{ 'f', "config", OPTION_TEXT, offsetof(struct explain_options, config), "FILE",
	  "use FILE instead of the bundle's config.json" },
	{ 0, "facts", OPTION_TEXT, offsetof(struct explain_options, facts), "FILE",
	  "plan for the host and caller described in FILE" },
	{ 0, "map", OPTION_TEXT, offsetof(struct explain_options, map), "MODE",
	  "rootless id mapping: auto, single, subid or keep", .choices = LAUNCH_MAP_CHOICES },
	{ 0, "steps", OPTION_FLAG, offsetof(struct explain_options, steps), "",
	  "also print every step and which process runs it" },
	{ 0, "checkpoint", OPTION_FLAG, offsetof(struct explain_options, checkpoint), "",
	  "show what a checkpoint would ask CRIU for" },
	{ 0, "restore", OPTION_FLAG, offsetof(struct explain_options, restore), "",
	  "also show what a restore would ask CRIU for" },
	{ 0, "timing", OPTION_FLAG, offsetof(struct explain_options, timing), "",
	  "show when each step was done" },
	{ 0 },
};

static void print_steps(struct str *out, const struct sequence *sequence, uint32_t flags)
{
	str_add(out, "steps\n");
	for (size_t i = 0; i < sequence->n; i++) {
		const struct row *row = &sequence->rows[i];
		enum actor who = sequence_actor(row->who, flags),
			   to = sequence_actor(row->to, flags);

		if (!sequence_row_active(row, flags) || (row->kind == ROW_SYNC && who == to))
			continue;
		if (row->kind == ROW_SYNC || row->kind == ROW_SPAWN)
			str_addf(out, "  %-6s -> %-6s  %s\n", sequence_actor_name(who),
				 sequence_actor_name(to), row->name);
		else
			str_addf(out, "  %-16s  %s\n", sequence_actor_name(who), row->name);
	}
}

static int read_facts(struct arena *arena, const char *path, struct facts *ret, struct err *err)
{
	char *text;
	size_t len;
	int r = io_read_file(AT_FDCWD, path, 16 * 1024 * 1024, arena, &text, &len, err);

	return r < 0 ? r : facts_json_read(arena, path, text, len, ret, err);
}

static void print_unknown(const struct launch *launch, struct str *out)
{
	_cleanup_str_ struct str text = { 0 };

	decode_tell_unknown(launch->arena, launch->config_name, launch->config_text,
			    launch->config_len, false, &text);
	if (!text.len)
		return;
	str_addf(out, "not read\n");
	for (const char *line = text.s; *line;) {
		size_t len = strcspn(line, "\n");

		str_addf(out, "  %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

static void tell_missing(void *data, const char *json_path, const char *text)
{
	struct str *out = data;

	(void)json_path;
	str_addf(out, "  %s\n", text);
}

static void tell_ignored(void *data, const char *json_path, const char *text)
{
	struct str *out = data;

	str_addf(out, "  %s: %s\n", json_path, text);
}

static void print_missing(const struct launch *launch, struct str *out)
{
	_cleanup_str_ struct str missing = { 0 }, ignored = { 0 };

	explain_missing(launch->arena, launch->plan,
			&(struct explain_missing){ tell_missing, &missing });
	explain_kernel(launch->arena, launch->plan,
		       &(struct explain_missing){ tell_missing, &missing });
	if (missing.len)
		str_addf(out, "missing\n%s", missing.s);
	explain_ignored(launch->arena, launch->plan,
			&(struct explain_missing){ tell_ignored, &ignored });
	if (ignored.len)
		str_addf(out, "ignored on this host\n%s", ignored.s);
}

/* The error reports unavailable limits; the rest of the plan is still useful. */
static void explain_rest(struct launch *launch, struct str *out)
{
	struct oci_config config = *launch->config;
	struct oci_linux rest = { 0 };
	struct err ignored = { 0 };

	if (!config.linux_ || !config.linux_->resources)
		return;
	rest = *config.linux_;
	rest.resources = NULL;
	config.linux_ = &rest;
	if (plan_build(launch->arena, &config, &launch->facts, &launch->options, &launch->plan,
		       &ignored) < 0)
		return;
	str_add(out, "without linux.resources, which fails (see the error):\n");
	plan_print(out, launch->plan);
}

static int explain_bundle(struct arena *arena, const struct cmd_globals *globals,
			  const struct explain_options *o, struct err *err)
{
	struct launch_options options_of = { .bundle = o->bundle,
					     .config = o->config,
					     .map = o->map };
	struct launch *launch = arena_new(arena, struct launch);
	_cleanup_str_ struct str out = { 0 };
	struct facts facts = { 0 };
	int r = 0;

	if (o->facts)
		r = read_facts(arena, o->facts, &facts, err);
	if (r == 0)
		r = launch_plan_with(arena, globals, &options_of, o->facts ? &facts : NULL, launch,
				     err);
	if (r < 0 && launch->config)
		explain_rest(launch, &out);
	if (r < 0)
		return out.len && common_print_text(&out, &(struct err){ 0 }) < 0 ? -EIO : r;
	plan_print(&out, launch->plan);
	if (o->restore)
		r = explain_criu_restore(arena, launch->config, launch->plan, !o->facts, &out, err);
	if (r < 0)
		return r;
	print_unknown(launch, &out);
	if (!o->facts) /* otherwise another host's */
		print_missing(launch, &out);
	if (o->steps)
		print_steps(&out, o->restore ? &sequence_restore : &sequence_create,
			    launch->plan->flags);
	return common_print_text(&out, err);
}

/* The container is gone and left a record, or there never was one. */
static int explain_failed(struct arena *arena, const struct cmd_globals *globals, const char *id,
			  struct err *err)
{
	_cleanup_str_ struct str out = { 0 };
	struct store *store;
	struct err other;
	const char *text = store_open(globals->root, false, arena, &store, &other) < 0
				   ? NULL
				   : last_failure_of(store, id, arena);

	if (!text)
		return -err->code;
	str_add(&out, text);
	return common_print_text(&out, err);
}

static int explain_container(struct arena *arena, const struct cmd_globals *globals, const char *id,
			     struct err *err)
{
	_cleanup_str_ struct str out = { 0 };
	_cleanup_close_ int dirfd = -1;
	struct state state = { 0 };
	const char *words = NULL;
	struct store *store;
	int status;

	dirfd = common_open(arena, globals, id, &store, &state, err);
	if (dirfd == -ENOENT)
		return explain_failed(arena, globals, id, err);
	status = dirfd < 0 ? dirfd : status_of(&state, NULL, err);
	if (status < 0)
		return status;
	if (status == STATUS_STOPPED && state.phase == STATE_CREATED)
		words = waiting_end_words(arena, &state);
	str_addf(&out, "container   %s, %s\nbundle      %s\nstate       %s/%s\n", state.id,
		 status_name((enum status)status), state.bundle, store_root(store), state.id);
	if (words)
		str_addf(&out, "end         while it waited for its start: %s\n", words);
	for (size_t i = 0; i < state.cgroup.dirs.n; i++)
		str_addf(&out, "cgroup      %s%s\n", state.cgroup.dirs.v[i].mount,
			 state.cgroup.dirs.v[i].path);
	if (state.console_pid.set)
		str_addf(&out, "terminal    kept by process %lld, for `usrun attach %s`\n",
			 (long long)state.console_pid.v, state.id);
	if (state.mounts.n)
		str_add(&out, "mounts added since\n");
	for (size_t i = 0; i < state.mounts.n; i++)
		str_addf(&out, "  %s\n", state.mounts.v[i]);
	str_add(&out, state.fallbacks.n ? "departures from the config\n"
					: "no departure from the config\n");
	for (size_t i = 0; i < state.fallbacks.n; i++)
		str_addf(&out, "  %s\n", state.fallbacks.v[i]);
	for (size_t i = state.undo.n, n = 0; i-- > 0;) {
		words = undo_list_words(state.undo.v[i], &state);
		if (words)
			str_addf(&out, "%s%s", n++ ? ", " : "delete      ", words);
	}
	str_add(&out, state.undo.n ? "\n" : "");
	return common_print_text(&out, err);
}

static int explain_checkpoint(struct arena *arena, const struct cmd_globals *globals,
			      const char *id, struct err *err)
{
	_cleanup_str_ struct str out = { 0 };
	int r = explain_criu_checkpoint(arena, globals, id, &out, err);

	return r < 0 ? r : common_print_text(&out, err);
}

static size_t terminal_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

static int explain_timing(struct arena *arena, const struct cmd_globals *globals, const char *id,
			  struct err *err)
{
	_cleanup_str_ struct str out = { 0 };
	_cleanup_close_ int dirfd = -1;
	struct state state = { 0 };
	struct store *store;
	char *text;
	size_t len;
	int r = dirfd = common_open(arena, globals, id, &store, &state, err);

	if (r >= 0)
		r = io_read_file(dirfd, TRACE_STATE_FILE, 4 << 20, arena, &text, &len, err);
	if (r == -ENOENT && dirfd >= 0) {
		(void)err_set(err, ENODATA, "container %s was started without --trace", id);
		return err_hint(err, "start it with usrun --trace FILE run ...");
	}
	if (r == 0)
		r = trace_bars(arena, TRACE_STATE_FILE, text, len, terminal_width(), &out, err);
	return r < 0 ? r : common_print_text(&out, err);
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct explain_options *o = data;

	if (o->timing && !argc)
		return err_set(err, EINVAL, "--timing: needs the id of a container");
	if (o->checkpoint && !argc)
		return err_set(err, EINVAL, "--checkpoint: needs the id of a container");
	if (o->restore && argc)
		return err_set(err, EINVAL, "--restore: is of a bundle, not of a container");
	if (o->checkpoint)
		return explain_checkpoint(arena, globals, argv[0], err);
	if (o->timing)
		return explain_timing(arena, globals, argv[0], err);
	return argc ? explain_container(arena, globals, argv[0], err)
		    : explain_bundle(arena, globals, data, err);
}

const struct cmd cmd_explain = {
	.name = "explain",
	.summary = "show the plan for a bundle, or what was done for a container",
	.arguments = "[ID]",
	.options = options,
	.options_size = sizeof(struct explain_options),
	.min_args = 0,
	.max_args = 1,
	.run = run,
};
