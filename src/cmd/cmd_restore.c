/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/criu_options.h"
#include "src/cmd/launch.h"

#include "src/base/fd.h"
#include "src/steps/restore.h"

#include <stddef.h>

struct restore_options {
	struct launch_options launch;
	struct criu_options criu;
	bool detach;
};

static const struct option options[] = {
	LAUNCH_OPTIONS(struct restore_options),
	{ 'd', "detach", OPTION_FLAG, offsetof(struct restore_options, detach), "",
	  "return once the container is running" },
	CRIU_OPTIONS(struct restore_options),
	{ 0, "lsm-profile", OPTION_TEXT, offsetof(struct restore_options, criu.asked.lsm_profile),
	  "TYPE:NAME", "use another label, such as apparmor:NAME" },
	{ 0, "lsm-mount-context", OPTION_TEXT,
	  offsetof(struct restore_options, criu.asked.lsm_mount_context), "CONTEXT",
	  "use another SELinux label for mounts" },
	{ 0, "no-subreaper", OPTION_ACCEPTED, 0, "", "ignored (runc compatibility)" },
	/* For clients that pass the same list to both commands. */
	{ 0, "parent-path", OPTION_ACCEPTED, 0, "DIR" },
	{ 0, "leave-running", OPTION_ACCEPTED, 0 },
	{ 0, "page-server", OPTION_ACCEPTED, 0, "ADDRESS:PORT" },
	{ 0, "status-fd", OPTION_ACCEPTED, 0, "N" },
	{ 0, "tcp-skip-in-flight", OPTION_ACCEPTED, 0 },
	{ 0 },
};

/* CRIU would pass the option to mount(2), which ignores it. */
static int check_label(const struct plan_criu_asked *asked, struct err *err)
{
	if (!asked->lsm_mount_context || str_equal(facts_lsm(), "selinux"))
		return 0;
	return err_set(err, EOPNOTSUPP, "--lsm-mount-context: SELinux is not enabled on this host");
}

static int prepare(struct arena *arena, const struct cmd_globals *globals,
		   const struct restore_options *o, const char *id, struct launch *launch,
		   struct err *err)
{
	struct restore *restore = arena_new(arena, struct restore);
	const struct launch_as as = { .id = id, .detach = o->detach };
	struct launch_options how = o->launch;
	struct criu_dirs dirs = { .images = -1, .work = -1 };
	int r;

	*restore = (struct restore){ 0 };
	how.restores = true;
	r = swrk_find(arena, globals->criu, &restore->criu, err);
	if (r == 0)
		r = criu_options_open(arena, &o->criu, false, &dirs, err);
	restore->images = dirs.images;
	restore->work = dirs.work;
	restore->work_path = dirs.work_path;
	if (r == 0)
		r = launch_plan(arena, globals, &how, &as, launch, err);
	if (r == 0)
		r = criu_options_check_powers(launch->plan->powers, "restore", err);
	if (r == 0)
		r = check_label(&o->criu.asked, err);
	if (r == 0)
		r = plan_criu_check(launch->config, err);
	if (r == 0)
		r = criu_options_read(arena, &o->criu, launch->config, &restore->opts, err);
	if (r == 0)
		r = plan_criu_check_restore(&restore->opts, launch->plan, err);
	launch->restore = restore;
	return r;
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct restore_options *o = data;
	struct launch *launch = arena_new(arena, struct launch);
	int r = prepare(arena, globals, o, argv[0], launch, err);

	(void)argc;
	if (r < 0)
		return r;
	return o->detach
		       ? launch_start(launch, globals, err)
		       : launch_foreground(launch, globals, &(struct launch_foreground){ 0 }, err);
}

const struct cmd cmd_restore = {
	.name = "restore",
	.summary = "restore a container from a checkpoint, with CRIU",
	.arguments = "ID",
	.options = options,
	.options_size = sizeof(struct restore_options),
	.min_args = 1,
	.max_args = 1,
	.starts = true,
	.available = criu_options_available,
	.run = run,
};
