/* SPDX-License-Identifier: Apache-2.0 */
/* One change of a container, from its lock to its state on disk. Two commands can be at one container at any
 * time, and the id may have gone to another container since the caller looked: so what was read before the lock
 * counts for nothing. */
#include "src/state/store_priv.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/state/status.h"
#include "src/sys/pidfd.h"

#include <signal.h>
#include <sys/file.h>

/* Whether both are of one container: pid, start time, and when it was made. */
static bool is_same(const struct state *a, const struct state *b)
{
	return a->pid.set == b->pid.set && a->pid.v == b->pid.v &&
	       a->start_time.v == b->start_time.v && str_equal(a->created, b->created);
}

/* A creation may take as long as its hooks: nobody but a deletion and a start waits for it. */
static int refuse_creating(struct store *store, int dirfd, const char *id, const char *what,
			   struct err *err)
{
	struct arena arena = { 0 };
	struct state state = { 0 };
	struct err ignored;
	int r = store_read(store, dirfd, id, &arena, &state, &ignored);

	if (r == 0 && state.phase == STATE_CREATING)
		r = err_set(err, EBUSY, "cannot %s a container that is still being created: %s",
			    what, id);
	else if (r < 0)
		r = err_set(err, ENOENT,
			    "container does not exist: %s (it is just being made or removed)", id);
	arena_free(&arena);
	return r;
}

/* Whoever works on it may wait for its process: a start, until hooks in the container have ended. */
static void end_process(struct store *store, int dirfd, const char *id)
{
	_cleanup_close_ int pidfd = -1;
	struct arena arena = { 0 };
	struct state state = { 0 };
	struct err ignored;

	if (store_read(store, dirfd, id, &arena, &state, &ignored) == 0 &&
	    state.phase != STATE_CREATING && status_of(&state, &pidfd, &ignored) > 0 && pidfd >= 0)
		(void)pidfd_signal(pidfd, SIGKILL);
	arena_free(&arena);
}

static int lock(struct store *store, int dirfd, const char *id, const struct store_change *change,
		struct err *err)
{
	int r = store_lock(dirfd, 0, err);

	if (r == -EBUSY && change->awaits_creation)
		r = store_lock(dirfd, STORE_LOCK_TIMEOUT_MS, err);
	if (r != -EBUSY)
		return r;
	r = change->what ? refuse_creating(store, dirfd, id, change->what, err) : 0;
	if (r < 0)
		return r;
	if (change->force)
		end_process(store, dirfd, id);
	return change->force ? store_lock_by_force(dirfd, STORE_LOCK_TIMEOUT_MS, err)
			     : store_lock(dirfd, STORE_LOCK_TIMEOUT_MS, err);
}

/* The state that is there now, or what is to be done without one. */
static int read_again(struct store *store, int dirfd, const char *id,
		      const struct store_change *change, struct state *ret, struct err *err)
{
	int r = store_read(store, dirfd, id, change->arena, ret, err);

	ret->abandoned = r == 0 && ret->phase == STATE_CREATING; /* for we have the lock */
	if (r == 0 && change->seen && !is_same(ret, change->seen))
		return err_set(err, ENOENT, "container does not exist: %s: another one has its id",
			       id);
	if (r == -ENODATA && change->seen) { /* the directory is the one that the caller has made */
		*ret = *change->seen;
		return 0;
	}
	if (r == -ENODATA && change->force) {
		*ret = (struct state){ .id = id, .damaged = true };
		return 0;
	}
	if (r == -ENODATA && store_is_empty(dirfd)) {
		r = store_remove(store, id, err);
		return r < 0 ? r : err_set(err, ENOENT, "container does not exist: %s", id);
	}
	return r;
}

int store_change_open(struct store *store, int dirfd, const char *id,
		      const struct store_change *change, struct err *err)
{
	struct state *state = arena_new(change->arena, struct state);
	int r = lock(store, dirfd, id, change, err);

	if (r == 0)
		r = read_again(store, dirfd, id, change, state, err);
	if (r == 0)
		r = change->act(dirfd, state, change->data, err);
	return r == STORE_WRITE ? store_write(dirfd, state, err) : r;
}

int store_change(struct store *store, const char *id, const struct store_change *change,
		 struct err *err)
{
	_cleanup_close_ int dirfd = store_open_container(store, id, err);

	/* Perhaps only its directory was removed, or something else is in its place. */
	if ((dirfd == -ENOENT || dirfd == -ELOOP || dirfd == -ENOTDIR) && change->force)
		return change->act(-1, &(struct state){ .id = id, .damaged = true }, change->data,
				   err);
	return dirfd < 0 ? dirfd : store_change_open(store, dirfd, id, change, err);
}

void store_unlock(int dirfd)
{
	(void)flock(dirfd, LOCK_UN);
}
