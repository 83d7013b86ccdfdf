/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/cmd/common.h"
#include "src/plan/plan_cgroup.h"
#include "src/plan/powers.h"
#include "src/state/status.h"
#include "src/state/undo_list.h"
#include "src/steps/hooks.h"

#include <stddef.h>

enum { LOCK_TIMEOUT_MS = 5000 };

struct delete_options {
	bool force;
};

static const struct option options[] = {
	{ 'f', "force", OPTION_FLAG, offsetof(struct delete_options, force), NULL,
	  "kill it first; succeed on anything, also on nothing", NULL },
	{ 0 },
};

/* After the deletion; a failure is a warning (K-04). The config is read before its copy is removed. */
static void run_poststop(const struct state *state, const struct oci_config *config)
{
	struct hooks_request request = {
		.point = "poststop",
		.doc = { .id = state->id,
			 .status = "stopped",
			 .bundle = state->bundle,
			 .annotations = state->annotations.v,
			 .n_annotations = state->annotations.n },
		.cwd_fd = -1,
		.keep_going = true,
	};
	struct err err;

	if (!config || !config->hooks)
		return;
	request.hooks = &config->hooks->poststop;
	if (hooks_run(&request, &err) < 0)
		log_warning("%s", err.text);
}

/* A state that cannot be read: the names on the host derive from the id, so they can still be found. */
static int delete_damaged(struct arena *arena, struct store *store, const char *id, struct err *err)
{
	const struct oci_config empty = { 0 };
	struct plan_cgroup_options where = { .id = id };
	struct cgroup_plan plan = { 0 };
	struct facts facts = { 0 };
	struct err ignored;
	int r = facts_gather(arena, FACTS_CALLER | FACTS_CGROUP, &facts, err);

	if (r < 0)
		return r;
	where.may_own_cgroups = powers_derive(&facts, false) & POWER_OWN_CGROUPS;
	if (plan_cgroup_build(arena, &empty, &facts, &where, &plan, &ignored) == 0 &&
	    plan.driver != CGROUP_DRIVER_NONE)
		r = driver_remove(plan.driver, plan.dirs, plan.n_dirs, err);
	return r < 0 ? r : store_remove(store, id, err);
}

static int refuse_status(const char *id, enum status status, struct err *err)
{
	if (status == STATUS_STOPPED || status == STATUS_CREATED)
		return 0;
	(void)err_set(err, EBUSY, "cannot delete container %s that is not stopped: %s", id, status_name(status));
	err_hint(err, "`usrun delete --force %s` kills it first", id);
	return -EBUSY;
}

static int delete_known(struct arena *arena, struct store *store, int dirfd, const struct state *state,
			struct err *err)
{
	const struct oci_config *config = NULL;
	struct err ignored;
	int r;

	if (state->poststop_hooks.v && common_read_config(arena, dirfd, &config, &ignored) < 0)
		log_warning("poststop hooks: %s", ignored.text);
	r = undo_list_run(store, state, err);
	if (r == 0)
		run_poststop(state, config);
	return r;
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct delete_options *o = data;
	_cleanup_close_ int dirfd = -1;
	struct state state = { 0 };
	struct store *store;
	int r = store_check_id(argv[0], err);

	(void)argc;
	if (r == 0)
		r = store_open(globals->root, false, arena, &store, err);
	if (r < 0)
		return r;
	dirfd = store_open_container(store, argv[0], err);
	if (dirfd == -ENOENT && o->force) /* perhaps only its directory was removed */
		return delete_damaged(arena, store, argv[0], err);
	if (dirfd < 0)
		return dirfd;
	r = store_lock(dirfd, LOCK_TIMEOUT_MS, err); /* held: its creator is at work */
	if (r == 0)
		r = store_read(store, dirfd, argv[0], arena, &state, err);
	if (r == -ENODATA && o->force)
		return delete_damaged(arena, store, argv[0], err);
	if (r == 0 && !o->force)
		r = refuse_status(argv[0], status_of(&state, NULL), err);
	return r < 0 ? r : delete_known(arena, store, dirfd, &state, err);
}

const struct cmd cmd_delete = {
	.name = "delete",
	.summary = "remove a container and all that create made",
	.arguments = "ID",
	.options = options,
	.options_size = sizeof(struct delete_options),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
