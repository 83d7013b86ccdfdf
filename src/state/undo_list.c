/* SPDX-License-Identifier: Apache-2.0 */
#include "src/state/undo_list.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/cgroup/mark.h"
#include "src/cgroup/unit.h"
#include "src/oci/rdt.h"
#include "src/state/status.h"
#include "src/state/undo_cgroup.h"
#include "src/state/undo_mounts.h"
#include "src/sys/pidfd.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { DEATH_TIMEOUT_MS = 10000, USUAL_DEATH_MS = 200 };

/* Only once per process, however often its end is awaited. */
static void tell_of_zombie(const struct state *state)
{
	static long long told;

	if (told != (long long)state->pid.v)
		log_notice(
			"process %lld of container %s was killed, but stays until the parent of a "
			"zombie in its pid namespace, outside the container, reaps that zombie",
			(long long)state->pid.v, state->id);
	told = (long long)state->pid.v;
}

static int wait_for_end(const struct state *state, int pidfd, struct err *err)
{
	long long deadline = clock_now() + DEATH_TIMEOUT_MS;

	if (pidfd_wait(pidfd, USUAL_DEATH_MS) == 0)
		return 0;
	if (cgroup_place_is_group(&state->cgroup))
		driver_fetch_frozen(&state->cgroup, (pid_t)state->pid.v);
	while (clock_left(deadline)) {
		if (pidfd_wait(pidfd, USUAL_DEATH_MS) == 0)
			return 0;
		/* This also applies after a thaw: the process has had time to end by now. */
		if (status_waits_for_zombie((pid_t)state->pid.v)) {
			tell_of_zombie(state);
			return 0;
		}
	}
	return err_set(err, ETIMEDOUT,
		       "container init still running: process %lld did not end within %d s of "
		       "SIGKILL",
		       (long long)state->pid.v, DEATH_TIMEOUT_MS / 1000);
}

int undo_list_process(const struct state *state, struct err *err)
{
	_cleanup_close_ int pidfd = -1;
	struct state process = *state;
	struct err ignored;
	int r;

	process.cgroup = (struct cgroup_place){ 0 }; /* status must not need the freezer */
	r = status_of(&process, &pidfd, err);
	if (r < 0 || pidfd < 0)
		return r < 0 ? r : 0;
	r = pidfd_signal(pidfd, SIGKILL);
	if (r < 0 && r != -ESRCH)
		return err_errno(err, -r, "kill the process %lld of container %s",
				 (long long)state->pid.v, state->id);
	/* It ends when its cgroup is thawed, by the next entry. */
	if (cgroup_place_is_group(&state->cgroup) && driver_is_frozen(&state->cgroup, &ignored) > 0)
		return 0;
	return wait_for_end(state, pidfd, err);
}

static int undo_spawn(struct store *store, const struct state *state, struct err *err)
{
	(void)store;
	return undo_list_process(state, err);
}

static bool has_unit(const struct state *state, const struct cgroup_unit_ref *unit)
{
	return unit->name && str_equal(state->unit.name, unit->name) &&
	       state->unit.manager == unit->manager;
}

static bool lives_in(struct store *store, const char *id, const struct state *state,
		     struct arena *arena)
{
	struct err ignored;
	_cleanup_close_ int fd = store_open_container(store, id, &ignored);
	struct state other;
	int r = fd < 0 ? fd : store_read(store, fd, id, arena, &other, &ignored);

	if (r < 0) /* one that was deleted or damaged claims nothing */
		return r != -ENOENT && r != -ENODATA;
	return has_unit(&other, &state->unit) &&
	       status_of(&other, NULL, &ignored) != STATUS_STOPPED;
}

/* Finds a container that has taken over the unit, because our creator was killed before it created
 * that; or NULL. */
static int find_successor(struct store *store, const struct state *state, struct arena *arena,
			  const char **ret, struct err *err)
{
	const char *const *ids;
	size_t n;
	int r = store_list(store, arena, &ids, &n, err);

	*ret = NULL;
	for (size_t i = 0; r == 0 && !*ret && i < n; i++)
		if (!str_equal(ids[i], state->id) && lives_in(store, ids[i], state, arena))
			*ret = ids[i];
	return r;
}

/* Nothing of a container survives a reboot: what has its names now belongs to another, unless
 * marked as ours. */
static bool is_over(struct store *store, const struct state *state)
{
	struct arena arena = { 0 };
	char other[MARK_SIZE];
	const char *path;
	bool over;

	if (!status_has_rebooted(state))
		return false;
	over = mark_find(&arena, &state->cgroup, store_mark(store, state->id, &arena), &path,
			 other) != MARK_OURS;
	arena_free(&arena);
	return over;
}

static int undo_cgroup_create(struct store *store, const struct state *state, struct err *err)
{
	if (is_over(store, state))
		return 0;
	return undo_cgroup_remove(store, state->id, &state->cgroup, err);
}

int undo_list_rdt(const char *const *groups, size_t n, struct err *err)
{
	_cleanup_close_ int root = -1;

	if (!n)
		return 0;
	root = openat(AT_FDCWD, RDT_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "open " RDT_ROOT);
	for (size_t i = 0; i < n; i++)
		if (unlinkat(root, groups[i], AT_REMOVEDIR) < 0 && errno != ENOENT)
			return err_errno(err, errno, "remove " RDT_ROOT "/%s", groups[i]);
	return 0;
}

static int undo_rdt_create(struct store *store, const struct state *state, struct err *err)
{
	if (is_over(store, state))
		return 0;
	return undo_list_rdt(state->rdt_groups.v, state->rdt_groups.n, err);
}

/* For a creator killed before it learned whether the unit is its own. */
static int undo_unit_by_name(struct store *store, const struct state *state, struct err *err)
{
	struct arena arena = { 0 };
	struct facts facts = { 0 };
	const char *other;
	int r = find_successor(store, state, &arena, &other, err);

	if (other)
		log_notice("keeping the unit %s: container %s is in it", state->unit.name, other);
	else if (r == 0)
		r = facts_gather(&arena, FACTS_CALLER | FACTS_CGROUP, &facts, err);
	if (r == 0 && !other)
		r = undo_cgroup_remove_unit(store, state->id, &state->unit, &facts.cgroup, err);
	arena_free(&arena);
	return r;
}

/* In a tree that usrun may not change (ProtectControlGroups= of its service), a unit's cgroup is
 * left to systemd: without a mark nothing shows whose processes it contains. */
static int leave_to_systemd(const struct state *state, struct err *err)
{
	if (!undo_cgroup_stays_in_use(&state->cgroup)) {
		*err = (struct err){ 0 };
		return 0;
	}
	(void)err_set(
		err, EBUSY,
		"keeping the unit %s, with processes in it: the cgroups are mounted read-only",
		state->unit.name);
	return err_hint(err, "systemctl %sstop %s",
			state->unit.manager == CGROUP_MANAGER_USER ? "--user " : "",
			state->unit.name);
}

/* The unit's processes are killed through its cgroup, because systemd would take longer (SIGTERM,
 * then up to 90 s). */
static int undo_cgroup_unit(struct store *store, const struct state *state, struct err *err)
{
	struct arena arena = { 0 };
	struct err later = { 0 };
	struct mark_sorted sorted;
	int r = 0, stopped;
	bool stays;

	if (!state->unit.name || is_over(store, state))
		return 0;
	if (!state->cgroup.dirs.n)
		return undo_unit_by_name(store, state, err);
	r = mark_sort(&arena, &state->cgroup, store_mark(store, state->id, &arena), &sorted, err);
	stays = r == 0 && sorted.of[MARK_OTHERS].dirs.n;
	arena_free(&arena);
	if (r < 0)
		return r;
	r = undo_cgroup_remove(store, state->id, &state->cgroup, err);
	if (r == -EROFS)
		r = leave_to_systemd(state, err);
	if (stays || r == -EBUSY) /* stopping the unit would kill its processes */
		return r;
	stopped = unit_stop(&state->unit, r < 0 ? &later : err);
	if (r == 0 && stopped == 0) /* recreated by a manager that updated sibling units */
		(void)!driver_remove_empty(&state->cgroup, &later);
	return r < 0 ? r : stopped;
}

/* Returns only when it has ended, so that no process is left behind. */
static int end_keeper(const struct state *state, const struct json_int *pid,
		      const struct json_uint *start_time, int patience_ms, struct err *err)
{
	const struct state keeper = { .id = state->id,
				      .phase = STATE_STARTED,
				      .boot_id = state->boot_id,
				      .pid = *pid,
				      .start_time = *start_time };
	_cleanup_close_ int pidfd = -1;
	int r = pid->set ? status_of(&keeper, &pidfd, err) : 0;

	if (r < 0 || pidfd < 0)
		return r < 0 ? r : 0;
	if (pidfd_wait(pidfd, patience_ms) == 0)
		return 0;
	(void)pidfd_signal(pidfd, SIGKILL);
	return pidfd_wait(pidfd, DEATH_TIMEOUT_MS) == 0
		       ? 0
		       : err_set(err, ETIMEDOUT,
				 "the keeper process %lld of container %s does not exit",
				 (long long)pid->v, state->id);
}

/* The helper ends with the container, which this list ends first. */
static int undo_net_helper(struct store *store, const struct state *state, struct err *err)
{
	(void)store;
	return end_keeper(state, &state->net_pid, &state->net_start_time, DEATH_TIMEOUT_MS, err);
}

/* They end with the container's mounts, and until then write what the container has left to
 * write. */
static int undo_layer_serve(struct store *store, const struct state *state, struct err *err)
{
	(void)store;
	return end_keeper(state, &state->layer_pid, &state->layer_start_time, DEATH_TIMEOUT_MS,
			  err);
}

/* The container is ended first, so that attached clients see its end and not that of a killed
 * keeper. */
static int undo_console_keep(struct store *store, const struct state *state, struct err *err)
{
	struct err told; /* reported by the entry for the process */
	int r = undo_list_process(state, &told);

	(void)store;
	return end_keeper(state, &state->console_pid, &state->console_start_time,
			  r < 0 ? 0 : USUAL_DEATH_MS, err);
}

static int undo_state_reserve(struct store *store, const struct state *state, struct err *err)
{
	int r = undo_mounts_run(state, err); /* nobody is left who could add mounts */

	return r < 0 ? r : store_remove(store, state->id, err);
}

const struct undo_list_entry undo_list_entries[] = {
	{ "state-reserve", "removes its state", undo_state_reserve },
	{ "net-helper", "ends the helper of its network", undo_net_helper },
	{ "layer-serve", "ends the server of its overlays", undo_layer_serve },
	{ "cgroup-create", "removes its cgroup", undo_cgroup_create },
	{ "cgroup-unit", "stops its systemd unit", undo_cgroup_unit },
	{ "rdt-create", "removes its resctrl group", undo_rdt_create },
	{ "criu-start", "kills its processes", undo_spawn },
	{ "spawn", "kills its processes", undo_spawn },
	{ "console-keep", "ends the keeper of its terminal", undo_console_keep },
	{ NULL, NULL, NULL },
};

const char *undo_list_words(const char *name, const struct state *state)
{
	bool idle = (str_equal(name, "rdt-create") && !state->rdt_groups.n) ||
		    (str_equal(name, "layer-serve") && !state->layer_pid.set) ||
		    (str_equal(name, "cgroup-unit") && !state->unit.name) ||
		    (str_equal(name, "cgroup-create") && !cgroup_place_is_group(&state->cgroup));

	for (const struct undo_list_entry *e = undo_list_entries; e->name && !idle; e++)
		if (str_equal(e->name, name))
			return e->words;
	return NULL;
}

static int run_entry(struct store *store, const struct state *state, const char *name,
		     struct err *err)
{
	for (const struct undo_list_entry *e = undo_list_entries; e->name; e++)
		if (str_equal(e->name, name)) {
			log_debug("undo %s", name);
			return e->run(store, state, err);
		}
	return 0; /* from a newer version; `delete --force` goes by names */
}

int undo_list_run(struct store *store, const struct state *state, struct err *err)
{
	struct err later = { 0 };
	int first = 0;

	for (size_t i = state->undo.n; i-- > 0;) {
		int r = run_entry(store, state, state->undo.v[i], first ? &later : err);

		/* The directory must stay while anything that it records is left. */
		if (r < 0 && !first)
			first = r;
		if (first && i == 1)
			break;
	}
	return first;
}
