/* SPDX-License-Identifier: Apache-2.0 */
/* pause, and resume, which undoes it. */
#include "src/cmd/cgroup_of.h"
#include "src/cmd/common.h"
#include "src/state/status.h"

static int refuse(const char *id, bool freeze, enum status status, struct err *err)
{
	return err_set(err, EINVAL, "container not %s: %s (%s)", freeze ? "running" : "paused", id,
		       status_name(status));
}

static int act(int dirfd, struct state *state, void *data, struct err *err)
{
	bool freeze = *(const bool *)data;
	int r, status = status_of(state, NULL, err);
	struct cgroup cgroup;
	struct err ignored;

	(void)dirfd;
	if (status < 0)
		return status;
	if (freeze ? status != STATUS_RUNNING && status != STATUS_CREATED : status != STATUS_PAUSED)
		return refuse(state->id, freeze, (enum status)status, err);
	r = cgroup_of_open(state, freeze ? "pause" : "resume", &cgroup, err);
	if (r == -ENOENT)
		return refuse(state->id, freeze, STATUS_STOPPED, err);
	if (r < 0)
		return r;
	r = driver_freeze(&cgroup, freeze, err);
	driver_close(&cgroup);
	/* It may have exited meanwhile. */
	return r < 0 && status_of(state, NULL, &ignored) == STATUS_STOPPED
		       ? refuse(state->id, freeze, STATUS_STOPPED, err)
		       : r;
}

static int freeze_container(struct arena *arena, const struct cmd_globals *globals, const char *id,
			    bool freeze, struct err *err)
{
	const struct store_change change = {
		.arena = arena, .what = freeze ? "pause" : "resume", .act = act, .data = &freeze
	};

	return common_change(globals, id, &change, err);
}

static const struct option options[] = { { 0 } };

static int run_pause(struct arena *arena, const struct cmd_globals *globals, const void *data,
		     int argc, char **argv, struct err *err)
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
	.run = run_pause,
};

static int run_resume(struct arena *arena, const struct cmd_globals *globals, const void *data,
		      int argc, char **argv, struct err *err)
{
	(void)data;
	(void)argc;
	return freeze_container(arena, globals, argv[0], false, err);
}

const struct cmd cmd_resume = {
	.name = "resume",
	.summary = "resume a paused container",
	.arguments = "ID",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run_resume,
};
