/* SPDX-License-Identifier: Apache-2.0 */
/* The container's cgroup: created by usrun or as a systemd unit, limited, and joined. */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/cgroup/mark.h"
#include "src/cgroup/unit.h"
#include "src/state/status.h"

#include <string.h>

static void undo_only(struct start *start, const struct cgroup_dir *dirs, size_t n)
{
	struct err err;

	start->state->cgroup.dirs.v = dirs;
	start->state->cgroup.dirs.n = n;
	if (store_write(start->state_dir, start->state, &err) < 0)
		log_warning("%s", err.text);
}

/* Whatever we created has been removed. A cgroup that still exists, populated or frozen, belongs to
 * another: neither we nor a later `delete` may remove it or kill its processes. */
static void undo_forget_dirs(struct start *start, enum driver_part part)
{
	const struct cgroup_place *place = &start->state->cgroup;
	struct cgroup_dir *dirs = arena_array(start->arena, place->dirs.n + 1, sizeof(*dirs));
	size_t own = 0;

	for (size_t i = 0; i < place->dirs.n; i++)
		if (part == DRIVER_V1_PART && driver_is_in(&place->dirs.v[i], DRIVER_V2_PART))
			dirs[own++] = place->dirs.v[i];
	undo_only(start, dirs, own);
}

/* Another creator was faster in one hierarchy. What we created in the others must still be
 * removed. */
static void undo_forget_others(struct start *start, const char *mark)
{
	const struct cgroup_place *place = &start->state->cgroup;
	struct cgroup_dir *dirs = arena_array(start->arena, place->dirs.n + 1, sizeof(*dirs));
	struct mark_sorted sorted;
	struct err ignored;
	size_t own = 0;

	if (mark_sort(start->arena, place, mark, &sorted, &ignored) < 0)
		return; /* who removes them looks again */
	for (enum mark_owner owner = MARK_OURS; owner <= MARK_NOBODYS; owner++)
		for (size_t i = 0; i < sorted.of[owner].dirs.n; i++)
			dirs[own++] = sorted.of[owner].dirs.v[i];
	undo_only(start, dirs, own);
}

static int delegate(struct start *start, struct err *err)
{
	const struct cgroup_plan *plan = &start->plan->cgroup;
	struct err why = { 0 };
	int r = plan->delegate ? driver_delegate(&start->cgroup, plan->delegate_uid,
						 plan->delegate_gid, &why)
			       : 0;

	if (r == -EPERM) { /* an unprivileged user may not chown; most containers work without */
		start_note(start, "%s", why.text);
		return 0;
	}
	if (r < 0)
		*err = why;
	return r;
}

/* A container of this state directory that has ended does not need its cgroup any more. */
static bool has_ended(struct start *start, const char *mark, const char *other)
{
	size_t root = strcspn(mark, " ") + 1;
	_cleanup_close_ int dirfd = -1;
	struct state state = { 0 };
	struct err ignored;

	if (strncmp(mark, other, root) != 0)
		return false;
	dirfd = store_open_container(start->store, other + root, &ignored);
	if (dirfd < 0)
		return dirfd == -ENOENT;
	if (store_read(start->store, dirfd, other + root, start->arena, &state, &ignored) < 0)
		return false;
	if (state.phase == STATE_CREATING && !store_is_locked(dirfd))
		store_creator_is_gone(&state);
	return status_of(&state, NULL, &ignored) == STATUS_STOPPED;
}

/* Whether or not the cgroup could be marked. The state is written later, with whatever else is
 * known by then. */
static void note_inode(struct start *start)
{
	const struct cgroup_place *place = &start->cgroup.place;
	struct cgroup_dir *dirs = arena_array(start->arena, place->dirs.n + 1, sizeof(*dirs));

	if (start->state->cgroup.dirs.n != place->dirs.n)
		return;
	memcpy(dirs, start->state->cgroup.dirs.v, place->dirs.n * sizeof(*dirs));
	mark_note(&start->cgroup, dirs);
	start->state->cgroup.dirs.v = dirs;
}

/* Two creators, of one id under two state directories or of two ids with one path, may both find no
 * cgroup: the first to mark it owns it. */
static int claim(struct start *start, enum driver_part part, struct err *err)
{
	const char *mark = store_mark(start->store, start->state->id, start->arena);
	const struct cgroup_place *place = &start->cgroup.place;
	const char *done = NULL;
	char other[MARK_SIZE];
	int r;

	for (size_t i = 0; part == DRIVER_V1_PART && i < place->dirs.n; i++)
		if (start->cgroup.fds[i] >= 0 && driver_is_in(&place->dirs.v[i], DRIVER_V2_PART))
			done = place->dirs.v[i].path;
	r = mark_claim(&start->cgroup, done, mark, false, other);
	if (r == -EEXIST && has_ended(start, mark, other))
		r = mark_claim(&start->cgroup, done, mark, true, other);
	if (r != -EEXIST)
		return r;
	undo_forget_others(start, mark);
	(void)err_set(err, EBUSY, "container's cgroup %s belongs to another container: %s",
		      place->dirs.v[0].path, strchr(other, ' ') ? strchr(other, ' ') + 1 : other);
	return err_hint(err, "its state may be in another directory (--root, XDG_RUNTIME_DIR)");
}

static int create(struct start *start, enum driver_part part, struct err *err)
{
	const struct cgroup_plan *plan = &start->plan->cgroup;
	int r = driver_create(plan, part, &start->cgroup, err);

	if (r < 0)
		undo_forget_dirs(start, part);
	else
		r = claim(start, part, err);
	if (r == 0 && part != DRIVER_V1_PART)
		note_inode(start);
	if (r < 0 || part == DRIVER_V2_PART)
		return r;
	r = driver_apply(&start->cgroup, plan, err);
	if (r == 0 && plan->inside)
		r = driver_descend(plan, &start->cgroup, err);
	return r < 0 ? r : delegate(start, err);
}

int step_cgroup_create(struct start *start, struct err *err)
{
	return create(start, DRIVER_ALL, err);
}

int step_cgroup_create_v2(struct start *start, struct err *err)
{
	return create(start, DRIVER_V2_PART, err);
}

int step_cgroup_create_v1(struct start *start, struct err *err)
{
	return create(start, DRIVER_V1_PART, err);
}

int step_cgroup_join(struct start *start, struct err *err)
{
	const struct cgroup_plan *plan = &start->plan->cgroup;
	int r;

	if (start->joins_late)
		return 0;
	r = start->joins_itself ? driver_join_self_slowly(&start->cgroup, err) : 0;
	if (r < 0)
		return r;
	/* clone3() has placed us in the v2 tree; v1 hierarchies have no such call. */
	if (start->plan->flags & PLAN_CGROUP_LATE)
		return driver_join_by_path(&plan->place, err);
	if (start->cgroup.place.kind == CGROUP_DRIVER_V1)
		r = driver_join_self(&start->cgroup, err);
	driver_close(&start->cgroup); /* a path to the host for any process that may trace us */
	return r;
}

/* The process limit applies to forks in the cgroup, not to processes that move into it. */
int step_cgroup_admit(struct start *start, struct err *err)
{
	return start->joins_late ? driver_join(&start->cgroup, start->init.pid, err) : 0;
}

static int find_unit(struct start *start, struct cgroup_plan *plan, struct err *err)
{
	_cleanup_str_ struct str dropped = { 0 };
	const char *slice_path;
	int r = unit_start(start->arena, plan->unit, start_first(start)->pid, &dropped, &slice_path,
			   err);

	if (dropped.len)
		start_note(start, "this systemd does not support the properties %s", dropped.s);
	return r < 0 ? r
		     : driver_find_unit(start->arena, start_first(start)->pid, slice_path, plan,
					err);
}

/* A unit of this name already existed: neither we nor a later `delete` may stop it. */
static void undo_forget_unit(struct start *start)
{
	struct err err;

	start->state->unit = (struct cgroup_unit_ref){ 0 };
	if (store_write(start->state_dir, start->state, &err) < 0)
		log_warning("%s", err.text);
}

int step_cgroup_unit(struct start *start, struct err *err)
{
	struct cgroup_plan plan = start->plan->cgroup;
	char other[MARK_SIZE];
	int r = find_unit(start, &plan, err);

	if (r == -EEXIST)
		undo_forget_unit(start);
	if (r < 0)
		return r;
	/* From here on `delete` also finds the directories. */
	start->state->cgroup = plan.place;
	r = store_write(start->state_dir, start->state, err);
	if (r == 0)
		r = driver_adopt(&plan, start_first(start)->pid, &start->cgroup, err);
	if (r == 0) /* systemd created it for us */
		r = mark_claim(&start->cgroup, NULL,
			       store_mark(start->store, start->state->id, start->arena), true,
			       other);
	return r < 0 ? r : delegate(start, err);
}

/* The channel has not told init what the parent knows, and mounts of v1 hierarchies need it. */
int step_cgroup_look(struct start *start, struct err *err)
{
	return driver_find(start->arena, 0, &start->plan->cgroup.place, &start->cgroup_place, err);
}

/* The sub-cgroup of the unit: "/container", or "". */
static const char *subgroup_of(const struct start *start)
{
	const char *name = start->state->unit.name,
		   *at = start->cgroup.place.dirs.n ? start->cgroup.place.dirs.v[0].path : "";

	at = strstr(at, name);
	return at ? at + strlen(name) : "";
}

int step_cgroup_attach(struct start *start, struct err *err)
{
	const struct state *state = start->state;
	int r = 0;

	if (!start->outside)
		return 0;
	if (driver_is_divided(&start->cgroup))
		r = driver_follow(start->arena, (pid_t)state->pid.v, &start->cgroup, err);
	return r < 0 ? r
		     : unit_attach(&state->unit, subgroup_of(start), start_first(start)->pid, err);
}
