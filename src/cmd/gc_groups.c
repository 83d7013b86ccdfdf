/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/gc_groups.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/cgroup/mark.h"
#include "src/doctor/doctor.h"
#include "src/host/facts.h"
#include "src/state/undo_cgroup.h"

#include <errno.h>
#include <string.h>

struct groups {
	struct arena *arena;
	struct store *store;
	const struct facts_cgroup *host;
	bool dry_run;
	struct str *said;
};

static void tell(struct groups *g, const char *path, const char *why)
{
	str_addf(g->said, "%s the cgroup %s: %s\n", g->dry_run ? "would remove" : "removed", path,
		 why);
}

static int leave_to(struct store *store, const struct state *old, struct err *err)
{
	(void)store;
	return err_set(err, EEXIST, "container with given ID already exists: %s", old->id);
}

/* A concurrent creator finds the id taken. */
static int remove_of(struct groups *g, const char *id, const struct cgroup_place *place,
		     struct err *err)
{
	_cleanup_close_ int dir = store_reserve(g->store, id, leave_to, err);
	struct err ignored;
	int r = dir, removed;

	if (dir >= 0)
		r = undo_cgroup_in_use(place) ? -EBUSY
					      : undo_cgroup_remove_found(g->store, id, place, err);
	removed = dir < 0 ? 0 : store_remove(g->store, id, r < 0 ? &ignored : err);
	return r < 0 ? r : removed;
}

/* The owner of the cgroup may have changed its mark. */
static bool has_state(struct groups *g, const char *id)
{
	struct err ignored;
	_cleanup_close_ int dir = -1;

	if (store_check_id(id, &ignored) < 0)
		return true;
	dir = store_open_container(g->store, id, &ignored);
	return dir != -ENOENT;
}

static int look_at(struct groups *g, const struct mark_found *found, struct err *err)
{
	const struct cgroup_place place = undo_cgroup_place(g->arena, g->host, found->path);
	const char *id = found->rest;
	int r = 0;

	if (has_state(g, id))
		return 0;
	if (undo_cgroup_in_use(&place)) {
		log_notice("keeping the cgroup %s of container %s: its state is gone, but "
			   "processes are still in it; `usrun delete --force %s` ends "
			   "them",
			   found->path, id, id);
		return 0;
	}
	if (!g->dry_run)
		r = remove_of(g, id, &place, err);
	if (r == -EEXIST || r == -EBUSY) /* somebody has joined it */
		return 0;
	if (r == 0)
		tell(g, found->path, "the state of its container is gone");
	return r;
}

static int look_at_trial(struct groups *g, const struct mark_found *found, struct err *err)
{
	const struct cgroup_place place = undo_cgroup_place(g->arena, g->host, found->path);
	int r = 0;

	if (!doctor_has_ended(found->rest) || undo_cgroup_in_use(&place))
		return 0;
	if (!g->dry_run)
		r = driver_remove_empty(&place, err);
	if (r == -EBUSY || r == -EACCES || r == -EPERM) /* of another user */
		return 0;
	if (r == 0)
		tell(g, found->path, "the `usrun doctor` that made it was killed");
	return r;
}

static int look_into(struct groups *g, const char *mount, const char *prefix,
		     int (*look)(struct groups *g, const struct mark_found *found, struct err *err),
		     struct err *err)
{
	const struct mark_found *found;
	size_t n;
	int r = mark_list(g->arena, mount, prefix, &found, &n);

	if (r < 0)
		return err_errno(err, -r, "look for cgroups of containers below %s", mount);
	for (size_t i = n; r == 0 && i-- > 0;) /* those below first */
		r = look(g, &found[i], err);
	return r;
}

int gc_groups(struct arena *arena, struct store *store, bool dry_run, struct str *said,
	      struct err *err)
{
	struct facts facts = { 0 };
	struct groups g = { arena, store, &facts.cgroup, dry_run, said };
	const char *prefix = store_mark(store, "", arena), *trials = doctor_mark_prefix(arena);
	int r = facts_gather(arena, FACTS_CALLER | FACTS_CGROUP, &facts, err);

	for (size_t i = 0; r == 0 && i < facts.cgroup.n; i++) {
		r = look_into(&g, facts.cgroup.v[i].mount, prefix, look_at, err);
		if (r == 0 && *trials)
			r = look_into(&g, facts.cgroup.v[i].mount, trials, look_at_trial, err);
	}
	return r;
}
