/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/cgroup/unit.h"
#include "src/cmd/common.h"
#include "src/plan/plan.h"
#include "src/plan/plan_cgroup.h"
#include "src/plan/plan_unit.h"
#include "src/plan/powers.h"
#include "src/state/status.h"
#include "src/state/undo_list.h"
#include "src/steps/removal.h"

#include <stddef.h>

struct delete_options {
	bool force, regex;
};

static const struct option options[] = {
	{ 'f', "force", OPTION_FLAG, offsetof(struct delete_options, force), NULL,
	  "kill it first; succeed even if it does not exist", NULL },
	{ 'r', "regex", OPTION_FLAG, offsetof(struct delete_options, regex), NULL,
	  "ID is an extended regular expression", NULL },
	{ 0 },
};

static int kill_damaged(struct store *store, int dirfd, const char *id, struct err *err)
{
	static const char *spawn = "spawn";
	struct state state = { .id = id, .phase = STATE_STARTED, .undo = { .v = &spawn, .n = 1 } };

	int r = dirfd < 0 ? 0 : store_find_init(dirfd, &state, err);

	return r < 0 ? r : undo_list_run(store, &state, err);
}

static int remove_cgroup(struct arena *arena, struct store *store, const struct oci_config *config,
			 const struct facts *facts, const char *id, struct err *err)
{
	const struct plan_cgroup_options where = {
		.id = id,
		.manager = "cgroupfs",
		.may_own_cgroups = powers_derive(facts, false) & POWER_OWN_CGROUPS,
	};
	struct cgroup_plan plan = { 0 };
	struct err ignored;

	/* Without a place for a cgroup there is none to remove. */
	if (plan_cgroup_build(arena, config, facts, &where, &plan, &ignored) < 0 ||
	    !cgroup_place_is_group(&plan.place))
		return 0;
	return undo_list_cgroup(store, id, &plan.place, err);
}

static int remove_rdt(struct arena *arena, struct store *store, const struct oci_config *config,
		      const char *id, struct err *err)
{
	static const char *made = "rdt-create";
	const struct rdt_plan plan = plan_rdt(arena, config, id);
	const char *groups[2];
	struct state state = { .id = id, .undo = { .v = &made, .n = 1 } };

	if (plan.monitor)
		groups[state.rdt_groups.n++] = plan.monitor;
	if (plan.own)
		groups[state.rdt_groups.n++] = plan.group;
	state.rdt_groups.v = groups;
	return undo_list_run(store, &state, err);
}

/* Of the managers that this caller can reach, either may have made it. */
static int stop_unit(struct arena *arena, const struct oci_config *config,
		     const struct facts *facts, const char *id, struct err *err)
{
	const char *wanted = config->linux_ ? config->linux_->cgroups_path : NULL;
	struct plan_unit_request request = {
		.id = id,
		.wanted = plan_unit_is_path(wanted) ? wanted : NULL,
		.manager = CGROUP_MANAGER_USER,
		.runtime_dir = facts->systemd.user_dir,
	};
	struct cgroup_unit unit = { 0 };
	struct err ignored;
	int r = 0;

	if (facts->systemd.user_dir && plan_unit_name(arena, &request, &unit, &ignored) == 0 &&
	    !unit.is_slice)
		r = unit_stop(&unit.ref, err);
	request.manager = CGROUP_MANAGER_SYSTEM;
	if (r == 0 && facts->systemd.system &&
	    plan_unit_name(arena, &request, &unit, &ignored) == 0 && !unit.is_slice)
		r = unit_stop(&unit.ref, err);
	return r;
}

struct delete_call {
	struct arena *arena;
	struct store *store;
	bool force;
	bool found; /* there was something to delete */
};

/* The names on the host derive from the config, if its copy is left, and the id, so they can still be found. A unit
 * has no mark: without a directory of the container's it may be that of another state directory. */
static int delete_by_names(const struct delete_call *call, int dirfd, const char *id, bool units,
			   struct err *err)
{
	static const struct oci_config empty;
	const struct oci_config *configs[2] = { &empty };
	unsigned int parts = FACTS_CALLER | FACTS_CGROUP | (units ? FACTS_SYSTEMD : 0);
	struct facts facts = { 0 };
	struct err ignored;
	size_t n = 1;
	int r = facts_gather(call->arena, parts, &facts, err);

	if (dirfd >= 0 && common_read_config(call->arena, dirfd, &configs[1], &ignored) == 0)
		n = 2;
	while (r == 0 && n-- > 0) {
		if (units && dirfd >= 0)
			r = stop_unit(call->arena, configs[n], &facts, id, err);
		if (r == 0)
			r = remove_cgroup(call->arena, call->store, configs[n], &facts, id, err);
		if (r == 0 && n == 1)
			r = remove_rdt(call->arena, call->store, configs[n], id, err);
	}
	return r;
}

static int delete_damaged(const struct delete_call *call, int dirfd, const char *id,
			  struct err *err)
{
	int r = kill_damaged(call->store, dirfd, id, err);

	if (r == 0)
		r = delete_by_names(call, dirfd, id, true, err);
	return r < 0 ? r : store_remove(call->store, id, err);
}

static int refuse_status(const char *id, enum status status, struct err *err)
{
	if (status == STATUS_STOPPED || status == STATUS_CREATED)
		return 0;
	(void)err_set(err, EBUSY, "cannot delete container %s that is not stopped: %s", id,
		      status_name(status));
	return err_hint(err, "`usrun delete --force %s` kills it first", id);
}

/* A state can be readable and wrong all the same: what it does not lead to is found by name. Without a cgroup in it
 * nothing leads to the process but a pid, which may be wrong too. */
static int delete_by_force(const struct delete_call *call, int dirfd, const struct state *state,
			   struct err *err)
{
	bool no_place = !cgroup_place_is_group(&state->cgroup) ||
			(!state->cgroup.dirs.n && !state->unit.name);
	_cleanup_close_ int left = -1;
	struct err first = { 0 };
	int r = 0;

	if (state->damaged)
		return delete_damaged(call, dirfd, state->id, err);
	if (no_place)
		r = kill_damaged(call->store, dirfd, state->id, &first);
	if (r == 0 && no_place)
		r = delete_by_names(call, dirfd, state->id, false, &first);
	if (r == 0)
		r = removal_run(call->store, dirfd, state, NULL, &first);
	if (r == 0) {
		left = store_open_container(call->store, state->id, &first);
		if (left == -ENOENT)
			return 0;
	}
	log_debug("deleting %s by its names: %s", state->id, first.text);
	return delete_damaged(call, dirfd, state->id, err);
}

static int act(int dirfd, struct state *state, void *data, struct err *err)
{
	struct delete_call *call = data;
	int r;

	call->found = true;
	if (call->force)
		return delete_by_force(call, dirfd, state, err);
	r = status_of(state, NULL, err);
	state->pid.set = state->pid.set && r != STATUS_STOPPED; /* nobody is left to kill */
	if (r >= 0)
		r = refuse_status(state->id, (enum status)r, err);
	return r < 0 ? r : removal_run(call->store, dirfd, state, NULL, err);
}

static int delete_match(const char *id, void *data, struct err *err)
{
	struct delete_call *call = data;
	const struct store_change change = {
		.arena = call->arena, .force = call->force, .act = act, .data = call
	};
	int r;

	call->found = false;
	r = store_change(call->store, id, &change, err);
	return r == -ENOENT && call->force && !call->found ? 0 : r; /* another has deleted it */
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct delete_options *o = data;
	struct delete_call call = { .arena = arena, .force = o->force };
	int r = o->regex ? 0 : store_check_id(argv[0], err);

	(void)argc;
	if (r == 0)
		r = store_open(globals->root, false, arena, &call.store, err);
	if (r < 0)
		return r;
	return o->regex ? common_each_match(arena, call.store, argv[0], delete_match, &call, err)
			: delete_match(argv[0], &call, err);
}

const struct cmd cmd_delete = {
	.name = "delete",
	.summary = "delete a container and everything `create` made for it",
	.arguments = "ID",
	.options = options,
	.options_size = sizeof(struct delete_options),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
