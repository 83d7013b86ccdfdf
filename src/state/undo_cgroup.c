/* SPDX-License-Identifier: Apache-2.0 */
#include "src/state/undo_cgroup.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/cgroup/mark.h"
#include "src/cgroup/unit.h"

#include <signal.h>
#include <string.h>

enum { DYING_MS = 2000 };

/* Another container was started in the cgroup after our processes had ended, or has the same name
 * under another state directory. */
static void tell_of_others(const struct cgroup_place *place, const char *mark, const char *other)
{
	size_t root = strcspn(mark, " ");
	const char *id = strchr(other, ' ');

	if (id && strncmp(mark, other, root + 1) == 0)
		log_notice("keeping the cgroup %s: container %s is in it now",
			   place->dirs.v[0].path, id + 1);
	else
		log_notice("keeping the cgroup %s: it belongs to another state directory",
			   place->dirs.v[0].path);
}

/* Whether another container of this state directory has the place in its state: 1, 0. The id comes
 * from a mark, which a container can write. */
static int has_place(struct store *store, const char *id, const struct cgroup_place *place,
		     struct arena *arena, struct err *err)
{
	_cleanup_close_ int fd = store_open_container(store, id, err);
	struct state other;
	int r = fd < 0 ? fd : store_read(store, fd, id, arena, &other, err);

	if (r == -ENOENT || r == -EINVAL || r == -ENODATA)
		return 0;
	if (r < 0)
		return r;
	return other.cgroup.dirs.n && str_equal(other.cgroup.dirs.v[0].path, place->dirs.v[0].path);
}

/* The mark has changed: another container has taken the cgroup since, or this one changed it in
 * order to stay. */
static int remove_doubted(struct store *store, const struct cgroup_place *place, const char *mark,
			  const char *other, struct err *err)
{
	bool same_root = strncmp(mark, other, strcspn(mark, " ") + 1) == 0;
	const char *id = strchr(mark, ' ') - mark + other + 1;
	struct arena arena = { 0 };
	int r = same_root ? has_place(store, id, place, &arena, err) : 0;

	arena_free(&arena);
	if (r < 0)
		return r;
	if (r > 0) {
		tell_of_others(place, mark, other);
		return 0;
	}
	r = same_root ? driver_remove(place, err) : driver_remove_empty(place, err);
	return r != -EBUSY || same_root ? r
					: err_set(err, EBUSY,
						  "keeping the cgroup %s, with processes in it: it "
						  "was created for the container, but is marked as "
						  "belonging to another state directory",
						  place->dirs.v[0].path);
}

static int remove_sorted(struct store *store, const char *id, const char *mark,
			 const struct mark_sorted *sorted, struct err *err)
{
	const struct cgroup_place *nobodys = &sorted->of[MARK_NOBODYS];
	int r = driver_remove(&sorted->of[MARK_OURS], err), later;

	/* A creator killed before it marked a cgroup had no process in it. */
	later = driver_remove_empty(nobodys, r < 0 ? &(struct err){ 0 } : err);
	if (later == -EBUSY)
		log_notice("keeping the cgroup %s: it is in use, and nothing shows that container "
			   "%s created it",
			   nobodys->dirs.v[0].path, id);
	if (sorted->of[MARK_OTHERS].dirs.n)
		tell_of_others(&sorted->of[MARK_OTHERS], mark, sorted->others);
	if (r == 0 && sorted->of[MARK_DOUBTED].dirs.n)
		r = remove_doubted(store, &sorted->of[MARK_DOUBTED], mark, sorted->doubted, err);
	return r < 0 || later == -EBUSY ? r : later;
}

int undo_cgroup_remove(struct store *store, const char *id, const struct cgroup_place *place,
		       struct err *err)
{
	struct arena arena = { 0 };
	struct mark_sorted sorted;
	const char *mark;
	int r;

	if (!cgroup_place_is_group(place) || !place->dirs.n)
		return 0;
	mark = store_mark(store, id, &arena);
	r = mark_sort(&arena, place, mark, &sorted, err);
	if (r == 0 && sorted.of[MARK_OURS].dirs.n == place->dirs.n)
		r = driver_remove(place, err);
	else if (r == 0)
		r = remove_sorted(store, id, mark, &sorted, err);
	arena_free(&arena);
	return r;
}

/* The caller's manager may have the unit of that cgroup. */
static int stop_scope(struct arena *arena, const char *path, struct err *err)
{
	struct facts facts = { 0 };
	struct cgroup_unit_ref unit = { .name = path_base(path) };
	const char *group;
	int r = facts_gather(arena, FACTS_CALLER | FACTS_SYSTEMD, &facts, err);

	if (r < 0)
		return r;
	if (facts.systemd.why)
		return err_set(err, EIO, "stop the unit %s: %s", unit.name, facts.systemd.why);
	if (!facts.systemd.user_dir && !facts.systemd.system)
		return 0;
	unit.runtime_dir = facts.systemd.user_dir;
	unit.manager = unit.runtime_dir ? CGROUP_MANAGER_USER : CGROUP_MANAGER_SYSTEM;
	r = unit_group(arena, &unit, &group, err);
	if (r == 0 && str_equal(group, path))
		r = unit_stop(&unit, err);
	return r == -ENOENT ? 0 : r;
}

static int kill_all(const struct cgroup_place *place, struct err *err)
{
	struct cgroup cgroup;
	int r = driver_open(place, &cgroup, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = driver_kill(&cgroup, SIGKILL, err);
	driver_close(&cgroup);
	return r;
}

/* While the mark is there, which leads here again if this is not finished. */
static int stop_scopes(struct arena *arena, const struct cgroup_place *ours, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ours->dirs.n; i++) {
		const char *path = ours->dirs.v[i].path;

		if (!str_ends(path, ".scope") || (i && str_equal(path, ours->dirs.v[i - 1].path)))
			continue;
		r = kill_all(ours, err); /* SIGTERM would take longer, and not end what is frozen */
		if (r == 0)
			r = stop_scope(arena, path, err);
	}
	return r;
}

int undo_cgroup_remove_found(struct store *store, const char *id, const struct cgroup_place *place,
			     struct err *err)
{
	struct arena arena = { 0 };
	struct mark_sorted sorted;
	int r = 0;

	if (cgroup_place_is_group(place) && place->dirs.n)
		r = mark_sort(&arena, place, store_mark(store, id, &arena), &sorted, err);
	if (r == 0 && cgroup_place_is_group(place) && place->dirs.n)
		r = stop_scopes(&arena, &sorted.of[MARK_OURS], err);
	arena_free(&arena);
	return r < 0 ? r : undo_cgroup_remove(store, id, place, err);
}

struct cgroup_place undo_cgroup_place(struct arena *arena, const struct facts_cgroup *host,
				      const char *path)
{
	struct cgroup_dir *dirs = arena_array(arena, host->n + 1, sizeof(*dirs));

	for (size_t i = 0; i < host->n; i++)
		dirs[i] = (struct cgroup_dir){ .controllers = host->v[i].controllers,
					       .mount = host->v[i].mount,
					       .path = path };
	return (struct cgroup_place){ host->mode == FACTS_CGROUP_V2 ? CGROUP_DRIVER_V2
								    : CGROUP_DRIVER_V1,
				      { dirs, host->n } };
}

bool undo_cgroup_in_use(const struct cgroup_place *place)
{
	struct arena arena = { 0 };
	struct cgroup cgroup;
	struct err ignored;
	size_t n = 0;
	pid_t *pids;
	int r = driver_open(place, &cgroup, &ignored);

	if (r == 0)
		r = driver_pids(&cgroup, &arena, &pids, &n, &ignored);
	driver_close(&cgroup);
	arena_free(&arena);
	return r == -ENOENT ? false : r < 0 || n;
}

bool undo_cgroup_stays_in_use(const struct cgroup_place *place)
{
	long long deadline = clock_now() + DYING_MS;

	for (unsigned int turn = 0; undo_cgroup_in_use(place); turn++) {
		if (!clock_left(deadline))
			return true;
		group_pause(turn);
	}
	return false;
}

/* Whether the unit with that cgroup may be stopped: 1, 0 (it is another container's), or -EBUSY. */
static int clear_unit(struct store *store, const char *id, const char *unit,
		      const struct facts_cgroup *host, const char *path, struct err *err)
{
	struct arena arena = { 0 };
	struct cgroup_place place = undo_cgroup_place(&arena, host, path);
	const char *mark = store_mark(store, id, &arena);
	char other[MARK_SIZE];
	int whose = mark_find(&arena, &place, mark, &path, other), r = 1;

	if (whose == MARK_OURS) {
		place = undo_cgroup_place(&arena, host, path);
		r = undo_cgroup_remove(store, id, &place, err);
		r = r < 0 ? r : 1;
	} else if (whose == MARK_OTHERS) {
		tell_of_others(&place, mark, other);
		r = 0;
	} else if (whose == MARK_NOBODYS && undo_cgroup_stays_in_use(&place)) {
		(void)err_set(err, EBUSY,
			      "keeping the unit %s: it is in use, and nothing shows that container "
			      "%s created it",
			      unit, id);
		r = err_hint(err, "`systemctl status %s` shows what it is", unit);
	} else if (whose < 0 && whose != -ENOENT) {
		r = err_errno(err, -whose, "look for the owner of the unit %s", unit);
	}
	arena_free(&arena);
	return r;
}

int undo_cgroup_remove_unit(struct store *store, const char *id, const struct cgroup_unit_ref *unit,
			    const struct facts_cgroup *host, struct err *err)
{
	struct arena arena = { 0 };
	const char *path;
	int r = unit_group(&arena, unit, &path, err);

	if (r == 0)
		r = *path ? clear_unit(store, id, unit->name, host, path, err) : 1;
	arena_free(&arena);
	if (r > 0)
		return unit_stop(unit, err);
	return r == -ENOENT ? 0 : r;
}
