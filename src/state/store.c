/* SPDX-License-Identifier: Apache-2.0 */
#include "src/state/store.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/state/status.h"
#include "src/state/store_priv.h"
#include "src/sys/resolve.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct store {
	const char *path;
	int fd; /* -1: it does not exist, so there are no containers */
};

static const char *const files[] = { "state.json", ".state.json.new", "config.json", ".config.json.new",
				     "start" };

int store_open(const char *root, bool create, struct arena *arena, struct store **ret, struct err *err)
{
	struct store *store = arena_new(arena, struct store);
	int r = store_priv_choose_root(root, arena, &store->path, err);

	if (r < 0)
		return r;
	r = store_priv_open_root(store->path, create, arena, err);
	if (r < 0 && (create || r != -ENOENT))
		return r;
	store->fd = r < 0 ? -1 : r;
	*ret = store;
	return 0;
}

const char *store_root(const struct store *store)
{
	return store->path;
}

void store_close(struct store *store)
{
	if (store)
		fd_closep(&store->fd);
}

int store_check_id(const char *id, struct err *err)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	size_t len = strlen(id);

	if (!len)
		return err_set(err, EINVAL, "container id cannot be empty");
	if (len > 255 || !strchr(letters, id[0]) || strspn(id + 1, letters) != len - 1) {
		size_t bad = strchr(letters, id[0]) ? 1 : 0;

		while (bad && id[bad] && (strchr(letters, id[bad]) || strchr("+-.", id[bad])))
			bad++;
		if (len <= 255 && bad == len)
			return 0;
		(void)err_set(err, EINVAL, "invalid container ID format: \"%.64s\"%s", id,
			      len > 64 ? "..." : "");
		err_hint(err, "1 to 255 letters, digits, _ + - and ., the first one a letter, a digit or _");
		return -EINVAL;
	}
	return 0;
}

static int open_dir(struct store *store, const char *id)
{
	if (store->fd < 0)
		return -ENOENT;
	return resolve_beneath(store->fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

int store_open_container(struct store *store, const char *id, struct err *err)
{
	int fd, r = store_check_id(id, err);

	if (r < 0)
		return r;
	fd = open_dir(store, id);
	if (fd == -ENOENT) {
		(void)err_set(err, ENOENT, "container does not exist: %s", id);
		err_hint(err, "looked in %s; `usrun list` shows what is there", store->path);
		return -ENOENT;
	}
	if (fd < 0)
		return err_set(err, -fd, "%s/%s is not a directory of a container: %s", store->path, id,
			       err_why(-fd));
	return fd;
}

int store_lock(int dirfd, int timeout_ms, struct err *err)
{
	struct itimerspec tick = { .it_interval.tv_nsec = 5000000, .it_value.tv_nsec = 5000000 };
	_cleanup_close_ int timer = -1;

	if (flock(dirfd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	/* flock(2) has no time limit, and no event tells of a release. */
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (timer < 0 || timerfd_settime(timer, 0, &tick, NULL) < 0)
		return err_errno(err, errno, "wait for the lock of the container");
	for (int waited = 0; waited < timeout_ms; waited += 5) {
		uint64_t expirations;

		if (read(timer, &expirations, sizeof(expirations)) < 0 && errno != EINTR)
			break;
		if (flock(dirfd, LOCK_EX | LOCK_NB) == 0)
			return 0;
	}
	return err_set(err, EBUSY, "another command is working on the container (its lock is held)");
}

static int taken(struct store *store, const char *id, struct err *err)
{
	(void)err_set(err, EEXIST, "container with given ID already exists: %s", id);
	err_hint(err, "`usrun delete %s` removes it (state in %s)", id, store->path);
	return -EEXIST;
}

/* An id of which nothing is alive: its creator did not finish and is gone, or the machine has booted
 * since. */
static bool owner_is_dead(const struct state *state, struct arena *arena)
{
	if (state->phase == STATE_CREATING)
		return true; /* and we hold the lock that a living creator would */
	return state->boot_id && *state->boot_id && !str_equal(state->boot_id, status_boot_id(arena));
}

static int try_reuse(struct store *store, const char *id,
		     int (*reuse)(struct store *store, const struct state *old, struct err *err),
		     struct err *err)
{
	_cleanup_close_ int dir = open_dir(store, id);
	struct arena arena = { 0 };
	struct state old = { 0 };
	struct err ignored;
	int r = -EEXIST;

	if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) < 0)
		return taken(store, id, err);
	if (store_read(store, dir, id, &arena, &old, &ignored) == 0 && owner_is_dead(&old, &arena))
		r = reuse(store, &old, err);
	else
		(void)taken(store, id, err);
	arena_free(&arena);
	return r;
}

int store_reserve(struct store *store, const char *id,
		  int (*reuse)(struct store *store, const struct state *old, struct err *err),
		  struct err *err)
{
	_cleanup_close_ int dir = -1;
	int r;

	if (mkdirat(store->fd, id, 0700) < 0) {
		if (errno != EEXIST)
			return err_errno(err, errno, "make the state directory %s/%s", store->path, id);
		r = try_reuse(store, id, reuse, err);
		if (r < 0)
			return r;
		if (mkdirat(store->fd, id, 0700) < 0)
			return taken(store, id, err);
	}
	dir = open_dir(store, id);
	if (dir < 0)
		return err_errno(err, -dir, "open the state directory %s/%s", store->path, id);
	if (flock(dir, LOCK_EX | LOCK_NB) < 0)
		return taken(store, id, err);
	return fd_take(&dir);
}

int store_write(int dirfd, const struct state *state, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = NULL;
	const char *text;
	size_t len;
	int r = store_priv_encode(state, &w, &text, &len, err);

	if (r == 0)
		r = io_replace_file(dirfd, "state.json", text, len, 0600, err);
	return r < 0 ? err_prefix(err, "state of container %s", state->id) : 0;
}

int store_read(struct store *store, int dirfd, const char *id, struct arena *arena, struct state *ret,
	       struct err *err)
{
	char *name = arena_strf(arena, "%s/%s/state.json", store->path, id), *text;
	_cleanup_close_ int fd = openat(dirfd, "state.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	size_t len;
	int r = 0;

	if (fd < 0)
		r = err_errno(err, errno, "open %s", name);
	if (r == 0)
		r = io_read_fd(fd, name, 16 * 1024 * 1024, arena, &text, &len, err);
	if (r == 0)
		r = store_priv_decode(arena, name, text, len, ret, err);
	if (r == 0 && !str_equal(ret->id, id))
		r = err_set(err, EINVAL, "%s: belongs to \"%s\"", name, ret->id);
	if (r == 0)
		return 0;
	err->code = ENODATA;
	(void)err_prefix(err, "the state of container %s is damaged", id);
	err_hint(err, "`usrun delete --force %s` removes what is left of it", id);
	return -ENODATA;
}

int store_remove(struct store *store, const char *id, struct err *err)
{
	_cleanup_close_ int dir = open_dir(store, id);

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return err_set(err, -dir, "%s/%s is not a directory of a container: %s", store->path, id,
			       err_why(-dir));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (unlinkat(dir, files[i], 0) < 0 && errno != ENOENT)
			return err_errno(err, errno, "remove %s/%s/%s", store->path, id, files[i]);
	if (unlinkat(store->fd, id, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_errno(err, errno, "remove %s/%s", store->path, id);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int store_list(struct store *store, struct arena *arena, const char *const **ret, size_t *ret_n,
	       struct err *err)
{
	const char **names = NULL;
	size_t n = 0, cap = 0;
	struct dirent *entry;
	struct err ignored;
	DIR *dir;
	int fd;

	*ret = NULL;
	*ret_n = 0;
	if (store->fd < 0)
		return 0;
	fd = openat(store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		(void)err_errno(err, errno, "list %s", store->path);
		fd_closep(&fd);
		return -err->code;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || store_check_id(entry->d_name, &ignored) < 0)
			continue;
		if (n == cap) {
			cap = cap ? 2 * cap : 16;
			names = arena_grow(arena, names, n, cap, sizeof(*names));
		}
		names[n++] = arena_strdup(arena, entry->d_name);
	}
	(void)closedir(dir);
	if (n)
		qsort(names, n, sizeof(*names), compare);
	*ret = names;
	*ret_n = n;
	return 0;
}
