/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/cgroup_of.h"

#include "src/base/log.h"
#include "src/state/status.h"

#include <signal.h>

static int check(const struct state *state, const char *what_for, struct err *err)
{
	if (cgroup_place_is_group(&state->cgroup))
		return 0;
	(void)err_set(err, ENOTSUP, "%s needs a cgroup, and container %s has none", what_for,
		      state->id);
	return err_hint(err, "`usrun explain %s` shows why", state->id);
}

/* If the container runs, somebody else removed it and moved its processes away. */
static int tell_removed(const struct state *state, const char *what_for, int r, struct err *err)
{
	struct err ignored;

	if (r != -ENOENT || status_of(state, NULL, &ignored) == STATUS_STOPPED)
		return r;
	return err_set(err, ENOTSUP, "%s needs the cgroup of container %s, which was removed: %s%s",
		       what_for, state->id, state->cgroup.dirs.v[0].mount,
		       state->cgroup.dirs.v[0].path);
}

int cgroup_of_open(const struct state *state, const char *what_for, struct cgroup *ret,
		   struct err *err)
{
	int r = check(state, what_for, err);

	*ret = (struct cgroup){ 0 };
	return r < 0 ? r
		     : tell_removed(state, what_for, driver_open_main(&state->cgroup, ret, err),
				    err);
}

int cgroup_of_open_all(const struct state *state, const char *what_for, struct cgroup *ret,
		       struct err *err)
{
	int r = check(state, what_for, err);

	*ret = (struct cgroup){ 0 };
	return r < 0 ? r
		     : tell_removed(state, what_for, driver_open(&state->cgroup, ret, err), err);
}

uint64_t cgroup_of_oom_kills(const struct state *state)
{
	struct cgroup cgroup;
	struct err ignored = { 0 };
	uint64_t kills;

	if (cgroup_of_open_all(state, "memory", &cgroup, &ignored) < 0)
		return 0;
	kills = driver_oom_kills(&cgroup);
	driver_close(&cgroup);
	return kills;
}

bool cgroup_of_watch_oom(struct arena *arena, const struct state *state, struct driver_oom *ret,
			 const char **ret_words)
{
	struct err ignored = { 0 };
	struct cgroup cgroup;
	int r;

	*ret = (struct driver_oom){ .fd = -1, .counter = -1 };
	/* v1 reports the removal of a cgroup as it does a kill */
	if (!state->unit.name || state->cgroup.kind != CGROUP_DRIVER_V2 ||
	    cgroup_of_open_all(state, "memory", &cgroup, &ignored) < 0)
		return false;
	r = driver_oom_watch(&cgroup, ret, &ignored);
	*ret_words = driver_oom_words(&cgroup, arena);
	driver_close(&cgroup);
	return r == 0 && ret->fd >= 0;
}

void cgroup_of_tell_oom(struct arena *arena, const struct state *state, int status,
			uint64_t kills_before)
{
	struct cgroup cgroup;
	struct err ignored = { 0 };

	if (status != 128 + SIGKILL || cgroup_of_open_all(state, "memory", &cgroup, &ignored) < 0)
		return;
	if (driver_oom_kills(&cgroup) > kills_before)
		log_notice("container %s: %s", state->id, driver_oom_words(&cgroup, arena));
	driver_close(&cgroup);
}

static const char *read_file(const struct events_source *source, const char *controller,
			     const char *file)
{
	const char *text;
	int r = driver_text(source->data, controller, file, source->arena, &text);

	if (err_is_shortage(-r))
		*source->shortage = r;
	return r < 0 ? NULL : text;
}

struct events_source cgroup_of_source(const struct cgroup *cgroup, struct arena *arena,
				      int *shortage)
{
	*shortage = 0;
	return (struct events_source){ .v2 = cgroup->place.kind == CGROUP_DRIVER_V2,
				       .read = read_file,
				       .data = cgroup,
				       .arena = arena,
				       .shortage = shortage };
}
