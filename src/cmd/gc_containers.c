/* SPDX-License-Identifier: Apache-2.0 */
/* Holding the lock of a container proves that no other command is working on it, so its state is
 * final. */
#include "src/cmd/gc_containers.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/state/status.h"
#include "src/steps/removal.h"

struct gc {
	struct arena *arena;
	struct store *store;
	bool dry_run;
	struct str *said;
};

static int remove_one(struct gc *gc, int dir, const struct state *state, const char *why,
		      struct err *err)
{
	int r = 0;

	if (!gc->dry_run)
		r = removal_run(gc->store, dir, state, NULL, err);
	if (r < 0)
		return err_prefix(err, "remove container %s", state->id);
	str_addf(gc->said, "%s %s: %s\n", gc->dry_run ? "would remove" : "removed", state->id, why);
	return 0;
}

static int remove_empty(struct gc *gc, const char *id, struct err *err)
{
	int r = gc->dry_run ? 0 : store_remove(gc->store, id, err);

	if (r == 0)
		str_addf(gc->said, "%s %s: its creation was cut off\n",
			 gc->dry_run ? "would remove" : "removed", id);
	return r;
}

static int look_at(struct gc *gc, const char *id, struct err *err)
{
	_cleanup_close_ int dir = store_open_container(gc->store, id, err);
	struct state state = { 0 };
	const char *why;
	int r = dir < 0 ? dir : store_lock(dir, 0, err);

	if (r == -EBUSY || r == -ENOENT) /* the holder of the lock is at work, or has removed it */
		return 0;
	if (r < 0)
		return err_prefix(err, "container %s", id);
	if (store_is_cut_off(dir))
		return store_is_private(dir) ? remove_empty(gc, id, err) : 0;
	if (store_is_foreign(dir))
		return 0;
	r = store_read(gc->store, dir, id, gc->arena, &state, err);
	if (r < 0 && r != -ENODATA)
		return r;
	if (r < 0) {
		log_notice("keeping container %s: its state is damaged, so what is left of it is "
			   "unknown; `usrun delete --force %s` removes it",
			   id, id);
		return 0;
	}
	if (status_is_elsewhere(&state, dir))
		log_notice("keeping container %s: the state directory may be shared with another "
			   "machine, and the container was created there or before this machine "
			   "booted; `usrun delete --force %s` removes it",
			   id, id);
	why = status_why_dead(&state, dir);
	return why ? remove_one(gc, dir, &state, why, err) : 0;
}

int gc_containers(struct arena *arena, struct store *store, bool dry_run, struct str *said,
		  struct err *err)
{
	struct gc gc = { .arena = arena, .store = store, .dry_run = dry_run, .said = said };
	const char *const *ids;
	struct err later;
	size_t n;
	int first = store_list(store, arena, &ids, &n, err);

	if (first < 0)
		return first;
	for (size_t i = 0; i < n; i++) {
		int r = look_at(&gc, ids[i], first ? &later : err);

		if (r < 0 && first)
			log_notice("%s", later.text);
		else if (r < 0)
			first = r;
	}
	return first;
}

static void sweep_one(struct arena *arena, struct store *store, const char *id)
{
	struct err ignored; /* reported by `gc` */
	_cleanup_close_ int dir = store_open_container(store, id, &ignored);
	struct state state = { 0 };

	if (dir < 0 || store_lock(dir, 0, &ignored) < 0)
		return;
	if (store_is_cut_off(dir) && store_is_private(dir))
		(void)!store_remove(store, id, &ignored);
	else if (store_is_foreign(dir) || store_read(store, dir, id, arena, &state, &ignored) < 0)
		return;
	else if (state.sandbox.set && status_why_dead(&state, dir) &&
		 removal_run(store, dir, &state, NULL, &ignored) == 0)
		log_debug("removed the sandbox %s, whose usrun was killed", id);
}

void gc_sandboxes(struct arena *arena, struct store *store)
{
	const char *const *ids;
	struct err ignored;
	size_t n;

	if (store_list(store, arena, &ids, &n, &ignored) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (str_starts(ids[i], GC_SANDBOX))
			sweep_one(arena, store, ids[i]);
}
