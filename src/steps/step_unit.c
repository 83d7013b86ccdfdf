/* SPDX-License-Identifier: Apache-2.0 */
/* The container's cgroup as a unit of systemd. */
#include "src/steps/steps.h"

#include "src/base/log.h"
#include "src/cgroup/unit.h"
#include "src/state/store.h"

#include <string.h>

static int find(struct run *run, struct cgroup_plan *plan, struct err *err)
{
	_cleanup_str_ struct str dropped = { 0 };
	const char *slice_path;
	int r = unit_start(run->arena, plan->unit, run->child, &dropped, &slice_path, err);

	if (dropped.len)
		run_note(run, "this systemd does not know the properties %s", dropped.s);
	return r < 0 ? r : driver_find_unit(run->arena, run->child, slice_path, plan, err);
}

/* A unit of this name was there: neither we nor a later `delete` may stop it. */
static void disown(struct run *run)
{
	struct err err;

	run->state->unit = (struct cgroup_unit_ref){ 0 };
	if (store_write(run->state_dir, run->state, &err) < 0)
		log_warning("%s", err.text);
}

int step_cgroup_unit(struct run *run, struct err *err)
{
	struct cgroup_plan plan = run->plan->cgroup;
	int r = find(run, &plan, err);

	if (r == -EEXIST)
		disown(run);
	if (r < 0)
		return r;
	/* From here on `delete` finds the directories too. */
	run->state->cgroup_dirs.v = (struct cgroup_dir *)(uintptr_t)plan.dirs;
	run->state->cgroup_dirs.n = plan.n_dirs;
	r = store_write(run->state_dir, run->state, err);
	if (r == 0)
		r = driver_adopt(&plan, run->child, &run->cgroup, err);
	return r < 0 ? r : step_cgroup_delegate(run, err);
}

/* What the parent knows has not come over the channel; mounts of v1 hierarchies need it. */
int step_cgroup_look(struct run *run, struct err *err)
{
	struct cgroup_dir *dirs;
	int r = driver_find(run->arena, 0, &run->plan->cgroup, &dirs, err);

	if (r == 0)
		run->cgroup_dirs = dirs;
	return r;
}

/* Below the unit: "/container", or "". */
static const char *subgroup_of(const struct run *run)
{
	const char *name = run->state->unit.name,
		   *at = run->cgroup.n_dirs ? run->cgroup.dirs[0].path : "";

	at = strstr(at, name);
	return at ? at + strlen(name) : "";
}

int step_cgroup_attach(struct run *run, struct err *err)
{
	const struct state *state = run->state;
	int r = 0;

	if (!run->outside)
		return 0;
	if (driver_is_divided(&run->cgroup))
		r = driver_follow(run->arena, (pid_t)state->pid.v, &run->cgroup, err);
	return r < 0 ? r : unit_attach(&state->unit, subgroup_of(run), run->child, err);
}
