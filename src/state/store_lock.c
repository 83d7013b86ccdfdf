/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns an id. A directory may be created by one process and locked by another, removed between
 * our open and our lock, or left behind by a killed creator. So the name proves nothing: the owner
 * is whoever holds the lock of the existing directory and finds it empty. */
#include "src/state/store_priv.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/state/status.h"
#include "src/sys/listing.h"
#include "src/sys/pidfd.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	ROUNDS = 16,
	WAIT_MS = 100, /* for callers that only check whether the lock is held */
	TICK_MS = 5,
};

static bool is_removed(int dirfd)
{
	struct stat st;

	/* Only proof counts: `delete --force` reports success on this answer. */
	return fstat(dirfd, &st) == 0 && st.st_nlink == 0;
}

static int try_lock(int dirfd)
{
	return flock(dirfd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? -EBUSY : -errno;
}

static int wait_for_lock(int dirfd, int timeout_ms)
{
	struct itimerspec tick = { .it_interval.tv_nsec = TICK_MS * 1000000,
				   .it_value.tv_nsec = TICK_MS * 1000000 };
	_cleanup_close_ int timer = -1;
	uint64_t ticks;
	int r = try_lock(dirfd);

	if (r != -EBUSY || timeout_ms == 0)
		return r;
	/* flock(2) has no timeout, and no event reports a release. */
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (timer < 0 || timerfd_settime(timer, 0, &tick, NULL) < 0)
		return -errno;
	for (int waited = 0; r == -EBUSY && waited < timeout_ms; waited += TICK_MS) {
		if (read(timer, &ticks, sizeof(ticks)) < 0 && errno != EINTR)
			return -errno;
		r = try_lock(dirfd);
	}
	return r;
}

int store_lock(int dirfd, int timeout_ms, struct err *err)
{
	int r = wait_for_lock(dirfd, timeout_ms);

	if (r == -EBUSY) {
		(void)err_set(err, EBUSY,
			      "another command is working on the container (its lock is held)");
		return err_hint(err,
				"wait for it or kill it; a creation takes as long as its hooks");
	}
	if (r < 0)
		return err_errno(err, -r, "lock the container's directory");
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

/* state.json is the first file to be created and the last to be removed. */
static int has_files(int dirfd)
{
	int r = has_file(dirfd, "state.json");

	return r == 0 ? has_file(dirfd, "config.json") : r;
}

/* state.json under its temporary name. */
static bool is_temporary(int dirfd, const char *name)
{
	struct stat st;

	return str_starts(name, ".state.json.") &&
	       fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

bool store_is_cut_off(int dirfd)
{
	struct listing listing;
	const char *name;
	int r;

	listing_begin(&listing, dirfd);
	while ((name = listing_next(&listing, &r)))
		if (!is_temporary(dirfd, name))
			return false;
	return r == 0;
}

bool store_is_private(int dirfd)
{
	struct stat st;

	return fstat(dirfd, &st) == 0 && !(st.st_mode & 077);
}

bool store_is_foreign(int dirfd)
{
	return has_files(dirfd) == 0 && has_file(dirfd, "init") == 0 && !store_is_cut_off(dirfd);
}

static int not_ours(const struct store *store, const char *id, struct err *err)
{
	return err_set(err, EEXIST,
		       "%s/%s is not the directory of a container: it contains no file of usrun",
		       store->path, id);
}

/* Nothing of this id is alive: its creator died before it finished, or the machine has rebooted. */
static bool owner_is_dead(const struct state *state, int dirfd)
{
	bool cut_off = state->phase == STATE_CREATING && !state->released.v;

	/* A living creator would hold the lock that we hold. */
	return (cut_off || status_has_rebooted(state)) && !status_is_elsewhere(state, dirfd);
}

static int clean_up(struct store *store, int dirfd, const char *id,
		    int (*reuse)(struct store *store, const struct state *old, struct err *err),
		    struct err *err)
{
	struct arena arena = { 0 };
	struct state old = { 0 };
	int r = store_read(store, dirfd, id, &arena, &old, err);

	if (r == 0 && owner_is_dead(&old, dirfd))
		r = reuse(store, &old, err);
	else if (r == 0 || r == -ENODATA)
		r = taken(store, id, err);
	arena_free(&arena);
	return r;
}

/* gc and list hold the lock only briefly, though that may take long on a busy machine; an owner
 * writes its state at once. */
static bool lock_unowned(int dirfd)
{
	for (int waited = 0; waited < STORE_LOCK_TIMEOUT_MS; waited += WAIT_MS) {
		if (wait_for_lock(dirfd, WAIT_MS) == 0)
			return true;
		if (has_file(dirfd, "state.json") != 0)
			return false;
	}
	return false;
}

/* -EAGAIN, without a text: the directory that we opened was removed, by another process or by
 * us. */
static int take_directory(struct store *store, const char *id, bool made,
			  int (*reuse)(struct store *store, const struct state *old,
				       struct err *err),
			  struct err *err)
{
	_cleanup_close_ int dir = store_priv_open_dir(store, id);
	int r;

	if (dir == -ENOENT)
		return -EAGAIN;
	/* If another process has taken it since, it loses an id that cannot be opened anyway. */
	if (dir < 0 && made)
		(void)unlinkat(store->fd, id, AT_REMOVEDIR);
	if (dir < 0)
		return err_errno(err, -dir, "open the state directory %s/%s", store->path, id);
	/* A faster creator's directory is empty too, until it has written its state. */
	if (!lock_unowned(dir))
		return taken(store, id, err);
	if (is_removed(dir))
		return -EAGAIN;
	r = made ? has_file(dir, "state.json") : has_files(dir);
	if (r == 0 && !made && store_is_foreign(dir))
		return not_ours(store, id, err);
	if (r == 0)
		return fd_take(&dir);
	if (r < 0 && made) /* safe under the lock: no other process can take it meanwhile */
		(void)unlinkat(store->fd, id, AT_REMOVEDIR);
	if (r < 0)
		return err_errno(err, -r, "read the state directory %s/%s", store->path, id);
	r = clean_up(store, dir, id, reuse, err);
	return r < 0 ? r : -EAGAIN;
}

static int try_reserve(struct store *store, const char *id,
		       int (*reuse)(struct store *store, const struct state *old, struct err *err),
		       struct err *err)
{
	bool made = mkdirat(store->fd, id, 0700) == 0;

	if (!made && errno != EEXIST) {
		(void)err_errno(err, errno, "create the state directory %s/%s", store->path, id);
		return err_hint(err, "name a directory that can be written with --root");
	}
	return take_directory(store, id, made, reuse, err);
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

/* Finds the holder of a container's lock for `delete --force`: a creation whose hook never ends
 * must not keep a container forever. Killing the holder is safe: the same delete undoes whatever it
 * leaves. */

enum { MAX_LOCKS = 16 << 20, DEATH_TIMEOUT_MS = 5000 };

/* Whether a process has the directory open. */
static bool has_open(pid_t pid, const struct stat *wanted)
{
	char path[32];
	struct dirent *entry;
	bool found = false;
	struct stat st;
	int ignored;
	DIR *fds;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	fds = opendir(path);
	while (fds && !found && (entry = io_next_entry(fds, &ignored)))
		found = fstatat(dirfd(fds), entry->d_name, &st, 0) == 0 &&
			st.st_ino == wanted->st_ino && st.st_dev == wanted->st_dev;
	if (fds)
		(void)closedir(fds);
	return found;
}

/* "7: FLOCK ADVISORY WRITE 1234 00:1a:5678 0 EOF", proc_locks(5); "7: -> FLOCK …" is a waiter. A
 * holder in another pid namespace has pid 0 or -1. The device is that of the superblock, which
 * differs from stat(2)'s on file systems with subvolumes (btrfs). So only the inode is compared
 * here; has_open() checks the rest. */
static pid_t parse_holder(const char *locks, const struct stat *dir)
{
	unsigned long long inode;
	int pid;

	for (const char *line = locks; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%*d: FLOCK ADVISORY WRITE %d %*x:%*x:%llu", &pid, &inode) == 2 &&
		    inode == dir->st_ino && pid > 0 && has_open(pid, dir))
			return pid;
	}
	return 0;
}

static pid_t find_holder(int dirfd)
{
	struct arena arena = { 0 };
	struct err ignored;
	struct stat st;
	pid_t pid = 0;
	char *locks;

	if (fstat(dirfd, &st) < 0)
		return 0;
	if (io_read_file(AT_FDCWD, "/proc/locks", MAX_LOCKS, &arena, &locks, NULL, &ignored) == 0)
		pid = parse_holder(locks, &st);
	arena_free(&arena);
	return pid;
}

int store_lock_by_force(int dirfd, int timeout_ms, struct err *err)
{
	int r = store_lock(dirfd, timeout_ms, err);
	_cleanup_close_ int pidfd = -1;
	pid_t pid;

	if (r != -EBUSY)
		return r;
	pid = find_holder(dirfd);
	if (pid <= 0)
		return r;
	pidfd = pidfd_open_process(pid);
	/* The pidfd was opened first: if that pid still holds the lock now, the pidfd refers to the
	 * holder. */
	if (pidfd < 0 || find_holder(dirfd) != pid)
		return store_lock(dirfd, timeout_ms, err);
	r = pidfd_signal(pidfd, SIGKILL);
	if (r < 0 && r != -ESRCH)
		return err_errno(err, -r, "kill process %d, which is working on the container",
				 (int)pid);
	log_notice("process %d, which worked on the container for more than %d s, was killed",
		   (int)pid, timeout_ms / 1000);
	(void)pidfd_wait(pidfd, DEATH_TIMEOUT_MS);
	return store_lock(dirfd, timeout_ms, err);
}

/* One change to a container, from taking the lock to the state on disk. Two commands may work on a
 * container at any time, and its id may have gone to another container meanwhile, so anything read
 * before the lock is stale. */

/* Whether both are the same container: pid, start time and creation time agree. */
static bool is_same(const struct state *a, const struct state *b)
{
	return a->pid.set == b->pid.set && a->pid.v == b->pid.v &&
	       a->start_time.v == b->start_time.v && str_equal(a->created, b->created);
}

/* A creation may take as long as its hooks, so only deletion and start wait for it. */
static int refuse_creating(struct store *store, int dirfd, const char *id, const char *what,
			   struct err *err)
{
	struct arena arena = { 0 };
	struct state state = { 0 };
	int r = store_read(store, dirfd, id, &arena, &state, err);

	if (r == 0 && state.phase == STATE_CREATING)
		r = err_set(err, EBUSY, "cannot %s a container that is still being created: %s",
			    what, id);
	else if (r == -ENODATA)
		r = err_set(err, ENOENT,
			    "container does not exist: %s (it is being created or deleted)", id);
	arena_free(&arena);
	return r;
}

/* A command that works on the container may be waiting for its process: a start waits for hooks
 * inside. */
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

/* Reads the current state, or decides how to go on without one. */
static int read_again(struct store *store, int dirfd, const char *id,
		      const struct store_change *change, struct state *ret, struct err *err)
{
	int r = store_read(store, dirfd, id, change->arena, ret, err);

	ret->abandoned = false;
	if (r == 0)
		store_creator_is_gone(ret); /* we hold the lock */
	if (r == 0 && change->seen && !is_same(ret, change->seen))
		return err_set(err, ENOENT,
			       "container does not exist: %s: another container has its id now",
			       id);
	if (r < 0 && change->seen) { /* the caller created this directory */
		*ret = *change->seen;
		return 0;
	}
	if (r == -ENODATA && store_is_foreign(dirfd))
		return not_ours(store, id, err);
	if (r == -ENODATA && change->force) {
		*ret = (struct state){ .id = id, .damaged = true };
		return 0;
	}
	if (r < 0 && r != -ENODATA && change->force)
		return err_hint(err,
				"if that lasts, remove the file: then what is left of container %s "
				"is found by its names",
				id);
	if (r == -ENODATA && store_is_cut_off(dirfd)) {
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

static int keep(struct store *store, const struct state *old, struct err *err)
{
	return taken(store, old->id, err);
}

/* What is left is found by the id alone, so the id is reserved meanwhile: a container that somebody
 * creates now would be found, too. -EEXIST: somebody has just created one. */
static int change_nameless(struct store *store, const char *id, const struct store_change *change,
			   bool reserve, struct err *err)
{
	_cleanup_close_ int dirfd = reserve ? store_reserve(store, id, keep, err) : -ENOENT;
	struct err ignored;
	int r;

	if (dirfd == -EEXIST)
		return dirfd;
	r = change->act(-1, &(struct state){ .id = id, .damaged = true }, change->data, err);
	if (r < 0 && dirfd >= 0)
		(void)!store_remove(store, id, &ignored);
	return r;
}

int store_change(struct store *store, const char *id, const struct store_change *change,
		 struct err *err)
{
	int r = -EEXIST;

	for (int round = 0; r == -EEXIST && round < ROUNDS; round++) {
		_cleanup_close_ int dirfd = store_open_container(store, id, err);

		/* Perhaps only the directory was removed, or replaced by something else. */
		if (dirfd >= 0)
			return store_change_open(store, dirfd, id, change, err);
		if (!change->force || (dirfd != -ENOENT && dirfd != -ELOOP && dirfd != -ENOTDIR))
			return dirfd;
		r = change_nameless(store, id, change, dirfd == -ENOENT && store->fd >= 0, err);
	}
	return r;
}

void store_unlock(int dirfd)
{
	(void)flock(dirfd, LOCK_UN);
}
