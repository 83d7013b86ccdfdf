/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/cgroup/mark.h"
#include "src/cmd/common.h"
#include "src/plan/plan.h"
#include "src/plan/plan_cgroup.h"
#include "src/plan/powers.h"
#include "src/state/status.h"
#include "src/state/undo_cgroup.h"
#include "src/state/undo_list.h"
#include "src/state/undo_mounts.h"
#include "src/steps/removal.h"
#include "src/sys/pidfd.h"

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

enum { MARKED_MAX = 64, DYING_MS = 5000 };

struct delete_options {
	bool force, regex;
};

static const struct option options[] = {
	{ 'f', "force", OPTION_FLAG, offsetof(struct delete_options, force), "",
	  "kill it first; succeed even if it does not exist" },
	{ 'r', "regex", OPTION_FLAG, offsetof(struct delete_options, regex), "",
	  "ID is an extended regular expression" },
	{ 0 },
};

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

	/* If no place can be derived, there is no cgroup to remove. */
	if (plan_cgroup_build(arena, config, facts, &where, &plan, &ignored) < 0 ||
	    !cgroup_place_is_group(&plan.place))
		return 0;
	return undo_cgroup_remove(store, id, &plan.place, err);
}

static int remove_rdt(struct arena *arena, const struct oci_config *config, const char *id,
		      struct err *err)
{
	const struct rdt_plan plan = plan_rdt(arena, config, id);
	const char *groups[2];
	size_t n = 0;

	if (plan.monitor)
		groups[n++] = plan.monitor;
	if (plan.own)
		groups[n++] = plan.group;
	return undo_list_rdt(groups, n, err);
}

struct delete_call {
	struct arena *arena;
	struct store *store;
	bool force;
	bool found;    /* there was something to delete */
	bool doubtful; /* its state does not say where its cgroups are */
};

/* Any manager that this caller can reach may have created it. */
static int stop_units(const struct delete_call *call, const struct oci_config *config,
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

	if (facts->systemd.user_dir &&
	    plan_unit_name(call->arena, &request, &unit, &ignored) == 0 && !unit.is_slice)
		r = undo_cgroup_remove_unit(call->store, id, &unit.ref, &facts->cgroup, err);
	request.manager = CGROUP_MANAGER_SYSTEM;
	if (r == 0 && facts->systemd.system &&
	    plan_unit_name(call->arena, &request, &unit, &ignored) == 0 && !unit.is_slice)
		r = undo_cgroup_remove_unit(call->store, id, &unit.ref, &facts->cgroup, err);
	return r;
}

/* Finds cgroups anywhere: the mark names the owner, so neither state nor config needs to mention
 * the cgroup. */
static int remove_marked(const struct delete_call *call, const struct facts_cgroup *host,
			 const char *id, struct err *err)
{
	const char *mark = store_mark(call->store, id, call->arena), *path;
	int r = 0;

	for (size_t i = host->n, found = 0; r == 0 && i > 0;) {
		struct cgroup_place place;

		r = mark_search(call->arena, host->v[i - 1].mount, mark, &path, err);
		if (r < 0)
			break;
		if (path && found == MARKED_MAX) {
			r = err_set(err, EBUSY, "remove the cgroup %s%s: it keeps reappearing",
				    host->v[i - 1].mount, path);
		} else if (path) {
			place = undo_cgroup_place(call->arena, host, path);
			r = undo_cgroup_remove_found(call->store, id, &place, err);
			found++;
		} else if (!*host->v[i - 1].controllers) {
			break; /* v2 comes last in the list and stands for the others */
		} else {
			i--;
		}
	}
	return r;
}

/* If neither state nor config can be trusted, the mark may be lost, too: do not report success
 * while an unmarked cgroup has the container's name. */
static int check_names(const struct delete_call *call, const struct facts_cgroup *host,
		       const struct oci_config *config, const char *id, struct err *err)
{
	const char *wanted = config->linux_ ? config->linux_->cgroups_path : NULL, *group = NULL;
	const char *const names[] = { id, arena_strf(call->arena, "usrun-%s", id),
				      arena_strf(call->arena, "usrun-%s.scope", id),
				      wanted ? path_base(wanted) : NULL, NULL };
	int r = 0;

	for (size_t i = 0; r == 0 && !group && i < host->n; i++)
		r = mark_search_nobodys(call->arena, host->v[i].mount, names, &group, err);
	if (r < 0 || !group)
		return r;
	(void)err_set(
		err, EBUSY,
		"keeping the cgroup %s: its name is that of container %s, but its owner is unknown",
		group, id);
	return err_hint(err, "if it belongs to another program, remove the directory %s/%s instead",
			store_root(call->store), id);
}

/* Finds what has no mark (none could be set; units; rdt) by names derived from the id and, if its
 * copy is left, the config. Without the container's directory nothing proves that there was a unit.
 * Units come first, because they are recognised by their cgroups. */
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
	for (size_t i = n; r == 0 && units && dirfd >= 0 && i-- > 0;)
		r = stop_units(call, configs[i], &facts, id, err);
	if (r == 0)
		r = remove_marked(call, &facts.cgroup, id, err);
	while (r == 0 && n-- > 0) {
		r = remove_cgroup(call->arena, call->store, configs[n], &facts, id, err);
		if (r == 0 && n == 1)
			r = remove_rdt(call->arena, configs[n], id, err);
	}
	if (r == 0 && dirfd >= 0 && (call->doubtful || !configs[1]))
		r = check_names(call, &facts.cgroup, configs[1] ? configs[1] : &empty, id, err);
	return r;
}

/* If its manager does not answer, the unit would stay, and without the state nothing leads to it.
 * One that is another's has been told of. */
static int stop_unit_of(const struct delete_call *call, const struct state *state, struct err *err)
{
	struct facts facts = { 0 };
	int r;

	if (state->damaged || !state->unit.name || status_has_rebooted(state))
		return 0;
	r = facts_gather(call->arena, FACTS_CALLER | FACTS_CGROUP, &facts, err);
	if (r == 0)
		r = undo_cgroup_remove_unit(call->store, state->id, &state->unit, &facts.cgroup,
					    err);
	return r == -EBUSY ? 0 : r;
}

/* Ends the process that the state names, then removes everything that can be found without the
 * state. */
static int delete_damaged(const struct delete_call *call, int dirfd, const struct state *state,
			  struct err *err)
{
	struct state init = { .id = state->id, .phase = STATE_STARTED };
	int r = dirfd < 0 ? 0 : store_find_init(dirfd, &init, err), mounts;

	if (r == 0)
		r = undo_list_process(&init, err);
	if (r == 0)
		r = stop_unit_of(call, state, err);
	if (r == 0)
		r = delete_by_names(call, dirfd, state->id, true, err);
	if (r < 0)
		return r;
	mounts = state->damaged ? 0 : undo_mounts_run(state, err);
	/* Only the state leads to mounts below those of another container. */
	if (mounts == -EBUSY)
		return mounts;
	if (mounts < 0)
		log_notice("the mounts are kept: %s", err->text);
	return store_remove(call->store, state->id, err);
}

/* Whether this process is in more hierarchies than the state has. */
static bool lacks_hierarchies(struct arena *arena, const struct cgroup_place *place)
{
	struct err ignored;
	size_t lines = 0;
	char *text;

	if (place->kind == CGROUP_DRIVER_V2)
		return place->dirs.n != 1;
	if (io_read_file(AT_FDCWD, "/proc/self/cgroup", 1 << 20, arena, &text, NULL, &ignored) < 0)
		return true;
	for (; *text; text++)
		lines += *text == '\n';
	return place->dirs.n < lines;
}

/* A state can be readable and nevertheless wrong. */
static bool is_believable(const struct delete_call *call, const struct state *state)
{
	const struct cgroup_place *place = &state->cgroup;

	return cgroup_place_is_group(place) &&
	       mark_agrees(place, store_mark(call->store, state->id, call->arena)) &&
	       !lacks_hierarchies(call->arena, place);
}

static int refuse_status(const char *id, enum status status, struct err *err)
{
	if (status == STATUS_STOPPED || status == STATUS_CREATED)
		return 0;
	(void)err_set(err, EBUSY, "cannot delete container %s that is not stopped: %s", id,
		      status_name(status));
	return err_hint(err, "`usrun delete --force %s` kills it first", id);
}

/* Cgroups of the container's process that the state does not name, without those that every process
 * is in. */
static struct cgroup_place place_of_process(const struct delete_call *call,
					    const struct state *state)
{
	struct cgroup_place now = { 0 }, none;
	struct facts facts = { 0 };
	struct cgroup_dir *dirs;
	struct err ignored;
	size_t n = 0;

	if (status_of(state, NULL, &ignored) == STATUS_STOPPED ||
	    facts_gather(call->arena, FACTS_CALLER | FACTS_CGROUP, &facts, &ignored) < 0)
		return now;
	none = undo_cgroup_place(call->arena, &facts.cgroup, "");
	if (driver_find(call->arena, (pid_t)state->pid.v, &none, &now, &ignored) < 0)
		return now;
	dirs = arena_array(call->arena, now.dirs.n + 1, sizeof(*dirs));
	for (size_t i = 0; i < now.dirs.n; i++)
		if (now.dirs.v[i].path[1] && !str_equal(now.dirs.v[i].path, facts.cgroup.v[i].own))
			dirs[n++] = now.dirs.v[i];
	return (struct cgroup_place){ now.kind, { dirs, n } };
}

static int remove_place(const struct delete_call *call, const struct cgroup_place *place,
			const char *id, struct err *err)
{
	int r = undo_cgroup_remove_found(call->store, id, place, err);

	for (size_t i = 0; r == 0 && i < place->dirs.n; i++) {
		const char *group = arena_strf(call->arena, "%s%s", place->dirs.v[i].mount,
					       place->dirs.v[i].path);

		if (access(group, F_OK) == 0)
			r = err_set(err, EBUSY,
				    "keeping the cgroup %s: the process of container %s was in it, "
				    "but its owner is unknown",
				    group, id);
	}
	return r;
}

/* A path outside this cgroup namespace leads nowhere, which would look like a removed cgroup. */
static int check_place(const struct cgroup_place *place, const char *id, struct err *err)
{
	for (size_t i = 0; i < place->dirs.n; i++) {
		if (!path_has_dotdot(place->dirs.v[i].path))
			continue;
		(void)err_set(err, EBUSY,
			      "the cgroup %s of the process of container %s is outside usrun's "
			      "cgroup namespace",
			      place->dirs.v[i].path, id);
		return err_hint(err, "delete it from the cgroup namespace in which it was created");
	}
	return 0;
}

/* While the process lives it leads to its cgroups. */
static int remove_lost(const struct delete_call *call, const struct state *state, struct err *err)
{
	const struct cgroup_place place = place_of_process(call, state);
	int r = check_place(&place, state->id, err);

	if (r == 0)
		r = undo_list_process(state, err);
	return r < 0 ? r : remove_place(call, &place, state->id, err);
}

/* Where host and state disagree, searches the host; and if the state names no cgroup, only a pid
 * leads to the process, which may be wrong, too. */
static int delete_by_force(const struct delete_call *call, int dirfd, const struct state *state,
			   struct err *err)
{
	_cleanup_close_ int left = -1;
	struct state init = { .id = state->id, .phase = STATE_STARTED };
	struct err first = { 0 };
	int r = 0;

	if (state->damaged)
		return delete_damaged(call, dirfd, state, err);
	if (call->doubtful) {
		r = remove_lost(call, state, err);
		if (r < 0)
			return r;
	}
	/* After a reboot nothing of it is left, and its names would find other things. */
	if (!status_has_rebooted(state) && !is_believable(call, state)) {
		r = store_find_init(dirfd, &init, &first);
		if (r == 0)
			r = undo_list_process(&init, &first);
		if (r == 0)
			r = delete_by_names(call, dirfd, state->id, false, &first);
	}
	if (r == 0)
		r = removal_run(call->store, dirfd, state, NULL, &first);
	if (r == 0) {
		left = store_open_container(call->store, state->id, &first);
		if (left == -ENOENT)
			return 0;
	}
	log_debug("deleting %s by its names: %s", state->id, first.text);
	return delete_damaged(call, dirfd, state, err);
}

/* Whether it runs there cannot be seen from here. */
static int refuse_elsewhere(const char *id, struct err *err)
{
	(void)err_set(err, EBUSY,
		      "cannot delete container %s: the state directory may be shared with another "
		      "machine, and the container was created there or before this machine booted",
		      id);
	return err_hint(err, "`usrun delete --force %s` removes its state here", id);
}

/* It had cgroups, but the state names none. */
static bool lacks_places(const struct state *state)
{
	bool made = false;

	for (size_t i = 0; i < state->undo.n; i++)
		made = made || str_equal(state->undo.v[i], "cgroup-create") ||
		       str_equal(state->undo.v[i], "cgroup-unit");
	return made && !state->cgroup.dirs.n;
}

/* Its status, after waiting for a process that is dying: `delete ID` may follow `kill ID KILL` at
 * once. */
static int await_end(const struct state *state, struct err *err)
{
	_cleanup_close_ int pidfd = -1;
	int r = status_of(state, &pidfd, err);

	if (r == STATUS_RUNNING && status_is_dying((pid_t)state->pid.v) &&
	    pidfd_wait(pidfd, DYING_MS) == 0)
		r = STATUS_STOPPED;
	return r;
}

static int act(int dirfd, struct state *state, void *data, struct err *err)
{
	struct delete_call *call = data;
	int r;

	call->found = true;
	call->doubtful = state->damaged || lacks_places(state);
	if (call->force)
		return delete_by_force(call, dirfd, state, err);
	if (status_is_elsewhere(state, dirfd))
		return refuse_elsewhere(state->id, err);
	r = await_end(state, err);
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
