/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns an id. The directory may be made by one process and locked by another, removed between our
 * opening and locking it, or left behind by a creator that was killed: so the name counts for nothing, and
 * the owner is whoever holds the lock of the directory that is there and finds it empty. */
#include "src/state/store_priv.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/state/status.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	ROUNDS = 16,
	WAIT_MS = 100, /* for one that only asks who holds the lock */
	TICK_MS = 5,
};

static bool is_removed(int dirfd)
{
	struct stat st;

	/* Only a proof counts: `delete --force` takes it for "there is nothing to delete". */
	return fstat(dirfd, &st) == 0 && st.st_nlink == 0;
}

static bool wait_for_lock(int dirfd, int timeout_ms)
{
	struct itimerspec tick = { .it_interval.tv_nsec = TICK_MS * 1000000,
				   .it_value.tv_nsec = TICK_MS * 1000000 };
	_cleanup_close_ int timer = -1;
	uint64_t ticks;

	if (flock(dirfd, LOCK_EX | LOCK_NB) == 0)
		return true;
	/* flock(2) has no time limit, and no event tells of a release. */
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (timer < 0 || timerfd_settime(timer, 0, &tick, NULL) < 0)
		return false;
	for (int waited = 0; waited < timeout_ms; waited += TICK_MS) {
		if (read(timer, &ticks, sizeof(ticks)) < 0 && errno != EINTR)
			return false;
		if (flock(dirfd, LOCK_EX | LOCK_NB) == 0)
			return true;
	}
	return false;
}

int store_lock(int dirfd, int timeout_ms, struct err *err)
{
	if (!wait_for_lock(dirfd, timeout_ms)) {
		(void)err_set(err, EBUSY,
			      "another command is working on the container (its lock is held)");
		return err_hint(err,
				"end it, or wait for it: a creation takes as long as its hooks do");
	}
	if (is_removed(dirfd))
		return err_set(err, ENOENT, "container does not exist: it has just been deleted");
	return 0;
}

bool store_is_locked(int dirfd)
{
	if (flock(dirfd, LOCK_SH | LOCK_NB) < 0)
		return true;
	(void)flock(dirfd, LOCK_UN);
	return is_removed(dirfd);
}

static int taken(const struct store *store, const char *id, struct err *err)
{
	(void)err_set(err, EEXIST, "container with given ID already exists: %s", id);
	return err_hint(err,
			"choose another id; `usrun delete --force %s` ends and removes that one "
			"(state in %s)",
			id, store->path);
}

static int has_file(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

/* The state is the first file to come and the last to go. */
static int has_files(int dirfd)
{
	int r = has_file(dirfd, "state.json");

	return r == 0 ? has_file(dirfd, "config.json") : r;
}

bool store_is_empty(int dirfd)
{
	return has_files(dirfd) == 0;
}

/* An id of which nothing is alive: its creator did not finish and is gone, or the machine has booted
 * since. */
static bool owner_is_dead(const struct state *state, struct arena *arena)
{
	if (state->phase == STATE_CREATING)
		return true; /* and we hold the lock that a living creator would */
	return state->boot_id && *state->boot_id &&
	       !str_equal(state->boot_id, status_boot_id(arena));
}

static int clean_up(struct store *store, int dirfd, const char *id,
		    int (*reuse)(struct store *store, const struct state *old, struct err *err),
		    struct err *err)
{
	struct arena arena = { 0 };
	struct state old = { 0 };
	struct err ignored;
	int r;

	if (store_read(store, dirfd, id, &arena, &old, &ignored) == 0 &&
	    owner_is_dead(&old, &arena))
		r = reuse(store, &old, err);
	else
		r = taken(store, id, err);
	arena_free(&arena);
	return r;
}

/* -EAGAIN, without a text: somebody removed what we were looking at, or we did. */
static int take_directory(struct store *store, const char *id,
			  int (*reuse)(struct store *store, const struct state *old,
				       struct err *err),
			  struct err *err)
{
	_cleanup_close_ int dir = store_priv_open_dir(store, id);
	int r;

	if (dir == -ENOENT)
		return -EAGAIN;
	if (dir < 0)
		return err_errno(err, -dir, "open the state directory %s/%s", store->path, id);
	if (!wait_for_lock(dir, WAIT_MS))
		return taken(store, id, err);
	if (is_removed(dir))
		return -EAGAIN;
	r = has_files(dir);
	if (r == 0)
		return fd_take(&dir);
	if (r < 0)
		return err_errno(err, -r, "look into the state directory %s/%s", store->path, id);
	r = clean_up(store, dir, id, reuse, err);
	return r < 0 ? r : -EAGAIN;
}

static int try_reserve(struct store *store, const char *id,
		       int (*reuse)(struct store *store, const struct state *old, struct err *err),
		       struct err *err)
{
	bool made = mkdirat(store->fd, id, 0700) == 0;
	int r;

	if (!made && errno != EEXIST)
		return err_errno(err, errno, "make the state directory %s/%s", store->path, id);
	r = take_directory(store, id, reuse, err);
	/* Only while it is empty: another that takes it in between finds it gone and says so. */
	if (r < 0 && r != -EAGAIN && made)
		(void)unlinkat(store->fd, id, AT_REMOVEDIR);
	return r;
}

int store_reserve(struct store *store, const char *id,
		  int (*reuse)(struct store *store, const struct state *old, struct err *err),
		  struct err *err)
{
	for (int round = 0; round < ROUNDS; round++) {
		int r = try_reserve(store, id, reuse, err);

		if (r != -EAGAIN)
			return r;
	}
	return taken(store, id, err);
}
