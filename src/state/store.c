/* SPDX-License-Identifier: Apache-2.0 */
#include "src/state/store_priv.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/str.h"
#include "src/state/status.h"
#include "src/state/store_state.h"
#include "src/sys/listing.h"
#include "src/sys/resolve.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MAX_ID = 255,
	REMOVE_ROUNDS = 64,
	REMOVE_DEPTH = 64,
};

#define OPEN_STATE (O_RDONLY | O_NOFOLLOW | O_NONBLOCK)

void store_close(struct store *store)
{
	fd_closep(&store->fd);
}

int store_open(const char *root, bool create, struct arena *arena, struct store **ret,
	       struct err *err)
{
	struct store *store = arena_new(arena, struct store);
	struct store_place place;
	int r = store_priv_choose_root(root, arena, &place, err);

	if (r < 0)
		return r;
	store->path = place.path;
	store->chosen_by_user = place.chosen_by_user;
	r = store_priv_open_root(&place, create, arena, store, err);
	if (r < 0 && (create || r != -ENOENT))
		return r;
	*ret = store;
	return 0;
}

const char *store_root(const struct store *store)
{
	return store->path;
}

const char *store_mark(const struct store *store, const char *id, struct arena *arena)
{
	/* Without a state directory this matches no mark. */
	return arena_strf(arena, "%llx:%llx %s", store->dev, store->ino, id);
}

int store_check_id(const char *id, struct err *err)
{
	static const char allowed[] =
		"+-.ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	size_t len = strlen(id), good = strspn(id, allowed);
	char why[48] = "";

	if (!len)
		return err_set(err, EINVAL, "container id cannot be empty");
	if (len <= MAX_ID && !strchr("+-.", id[0]) && good == len)
		return 0;
	if (good < len && id[good] > ' ' && id[good] < 127)
		(void)snprintf(why, sizeof(why), ": invalid character `%c` in the ID", id[good]);
	(void)err_set(err, EINVAL, "invalid container ID format: \"%.64s\"%s%s", id,
		      len > 64 ? "..." : "", why);
	return err_hint(
		err, "1 to %d letters, digits, _ + - and ., the first one a letter, a digit or _",
		MAX_ID);
}

int store_priv_open_dir(const struct store *store, const char *id)
{
	if (store->fd < 0)
		return -ENOENT;
	return resolve_beneath(store->fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

static int not_a_dir(const struct store *store, const char *id, int error, struct err *err)
{
	return err_is_shortage(-error)
		       ? err_errno(err, -error, "open %s/%s", store->path, id)
		       : err_errno(err, -error, "%s/%s is not the directory of a container",
				   store->path, id);
}

int store_open_container(struct store *store, const char *id, struct err *err)
{
	int fd, r = store_check_id(id, err);

	if (r < 0)
		return r;
	fd = store_priv_open_dir(store, id);
	if (fd == -ENOENT) {
		(void)err_set(err, ENOENT, "container does not exist: %s", id);
		return err_hint(err, "looked in %s; `usrun list` shows what is there", store->path);
	}
	return fd < 0 ? not_a_dir(store, id, fd, err) : fd;
}

/* Without a cgroup to find it by, the process must be found even if state.json is damaged. */
static int write_init(int dirfd, const struct state *state, struct err *err)
{
	char text[128];
	int len;

	if (state->cgroup.kind != CGROUP_DRIVER_NONE || !state->pid.set)
		return 0;
	len = snprintf(text, sizeof(text), "%lld %llu %.64s", (long long)state->pid.v,
		       (unsigned long long)state->start_time.v,
		       state->boot_id ? state->boot_id : "");
	return io_replace_file(dirfd, "init", text, (size_t)len, 0600, err);
}

int store_find_init(int dirfd, struct state *ret, struct err *err)
{
	char text[128], *blank, *boot;
	struct state written = { 0 };
	uint64_t start;
	uint32_t pid;
	ssize_t n = io_read_small(dirfd, "init", text, sizeof(text));

	if (n < 0 && n != -ENOENT)
		return err_errno(err, (int)-n, "read the pid of container %s", ret->id);
	blank = n > 0 ? strchr(text, ' ') : NULL;
	if (!blank)
		return 0;
	*blank = '\0';
	boot = strchr(blank + 1, ' ');
	if (boot)
		*boot++ = '\0';
	written.boot_id = boot;
	if (status_has_rebooted(&written)) /* pid and start time may recur */
		return 0;
	if (parse_u32(text, &pid) < 0 || pid == 0 || pid > INT32_MAX ||
	    parse_u64(blank + 1, &start) < 0)
		return 0;
	ret->pid = (struct json_int){ .set = true, .v = pid };
	ret->start_time = (struct json_uint){ .set = true, .v = start };
	return 0;
}

int store_write(int dirfd, const struct state *state, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = NULL;
	const char *text;
	size_t len;
	int r = store_state_encode(state, &w, &text, &len, err);

	if (r == 0)
		r = io_replace_file(dirfd, "state.json", text, len, 0600, err);
	if (r == 0)
		r = write_init(dirfd, state, err);
	return r < 0 ? err_prefix(err, "state of container %s", state->id) : 0;
}

static int check_fields(const struct state *state, const char *name, const char *id,
			struct err *err)
{
	if (!str_equal(state->id, id))
		return err_set(err, EINVAL, "%s: belongs to \"%s\"", name, state->id);
	if (state->unit.manager == CGROUP_MANAGER_USER && !state->unit.runtime_dir)
		return err_set(err, EINVAL, "%s: unitRuntimeDir is missing", name);
	if (state->phase != STATE_CREATING && (!state->pid.set || !state->start_time.set))
		return err_set(err, EINVAL, "%s: pid and startTime are missing", name);
	return 0;
}

/* Only these say that it is not the file that we wrote: without memory or descriptors nobody can
 * open that one either. */
static int not_read(int error, const char *verb, const char *name, struct err *err)
{
	static const int damage[] = { ENOENT, ELOOP, ENXIO, EISDIR, ESPIPE, EINVAL };

	(void)err_errno(err, error, "%s %s", verb, name);
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++)
		if (error == damage[i])
			return -ENODATA;
	return -error;
}

/* -ENODATA: the state is damaged. */
static int read_state(int fd, const char *name, const char *id, struct arena *arena,
		      struct state *ret, struct err *err)
{
	char usual[2048], *text = usual;
	ssize_t n = pread(fd, usual, sizeof(usual), 0); /* fails unless it is a regular file */
	size_t len = (size_t)n;
	int r = 0;

	if (n < 0)
		return not_read(errno, "read", name, err);
	if (len == sizeof(usual)) /* the file may be longer */
		r = io_read_fd(fd, name, STORE_STATE_MAX, arena, &text, &len, err);
	if (r < 0 && r != -EFBIG)
		return r;
	if (r == 0)
		r = store_state_decode(arena, name, text, len, ret, err);
	if (r == 0)
		r = check_fields(ret, name, id, err);
	return r < 0 ? -ENODATA : 0;
}

void store_creator_is_gone(struct state *state)
{
	if (state->phase != STATE_CREATING)
		return;
	if (state->released.v && state->pid.set && state->start_time.set)
		state->phase = STATE_STARTED;
	else
		state->abandoned = true;
}

int store_read(struct store *store, int dirfd, const char *id, struct arena *arena,
	       struct state *ret, struct err *err)
{
	char *name = arena_strf(arena, "%s/%s/state.json", store->path, id);
	_cleanup_close_ int fd = openat(dirfd, "state.json", OPEN_STATE | O_CLOEXEC);
	int r = fd < 0 ? not_read(errno, "open", name, err)
		       : read_state(fd, name, id, arena, ret, err);

	if (r == 0)
		return 0;
	if (r != -ENODATA)
		return r;
	err->code = ENODATA;
	err->hint[0] = '\0'; /* the JSON reader's hint addresses people who write the file */
	(void)err_prefix(err, "the state of container %s is damaged", id);
	return err_hint(err, "`usrun delete --force %s` removes what is left of it", id);
}

bool store_read_made(struct store *store, const char *id, struct arena *arena, struct state *ret)
{
	char *name = arena_strf(arena, "%s/state.json", id);
	_cleanup_close_ int fd = resolve_beneath(store->fd, name, OPEN_STATE);
	struct err ignored;

	return fd >= 0 && read_state(fd, name, id, arena, ret, &ignored) == 0 &&
	       ret->phase != STATE_CREATING;
}

static int remove_entries(int dirfd, int depth, const char *but);

/* Foreign files must not keep a container forever: subdirectories are removed too, links are not
 * followed. */
static int remove_entry(int dirfd, const char *name, int depth)
{
	_cleanup_close_ int dir = -1;
	int r;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR || depth == REMOVE_DEPTH)
		return -errno;
	dir = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = dir < 0 ? -errno : remove_entries(dir, depth + 1, NULL);
	if (r == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0)
		r = -errno;
	return r == -ENOENT ? 0 : r;
}

/* Includes temporary files of a killed writer and files of another version. */
static int remove_entries(int dirfd, int depth, const char *but)
{
	struct listing listing;
	const char *name;
	int r = 0;

	listing_begin(&listing, dirfd);
	while (r == 0 && (name = listing_next(&listing, &r)))
		if (!str_equal(name, but))
			r = remove_entry(dirfd, name, depth);
	return r;
}

/* A command that has the directory open may add a last file, and the disk may fail once: hence
 * several rounds. */
static int remove_dir(const struct store *store, const char *id, int dirfd)
{
	int r = 0;

	for (int round = 0; round < REMOVE_ROUNDS; round++) {
		if (unlinkat(store->fd, id, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
		r = remove_entries(dirfd, 0, NULL);
	}
	return r < 0 ? r : -ENOTEMPTY;
}

int store_remove(struct store *store, const char *id, struct err *err)
{
	_cleanup_close_ int dir = store_priv_open_dir(store, id);
	int r;

	if (dir == -ENOENT)
		return 0;
	/* A link or a file is not ours: remove the name, and leave the link's target alone. */
	if ((dir == -ELOOP || dir == -ENOTDIR) && unlinkat(store->fd, id, 0) == 0)
		return 0;
	if (dir < 0)
		return not_a_dir(store, id, dir, err);
	r = remove_entries(dir, 0, "state.json");
	if (r < 0) /* now, as nobody should have to run `delete` twice */
		r = remove_entries(dir, 0, "state.json");
	if (r == 0)
		r = remove_entry(dir, "state.json", 0);
	if (r == 0)
		r = remove_dir(store, id, dir);
	return r < 0 ? err_errno(err, -r, "remove %s/%s", store->path, id) : 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_directory(int dirfd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

int store_list(struct store *store, struct arena *arena, const char *const **ret, size_t *ret_n,
	       struct err *err)
{
	const char **names = NULL;
	size_t n = 0, cap = 0;
	struct dirent *entry;
	struct err ignored;
	DIR *dir;
	int fd, r;

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
	while ((entry = io_next_entry(dir, &r))) {
		if (store_check_id(entry->d_name, &ignored) < 0 || !is_directory(dirfd(dir), entry))
			continue;
		names = arena_room(arena, names, n, &cap, sizeof(*names));
		names[n++] = arena_strdup(arena, entry->d_name);
	}
	(void)closedir(dir);
	if (r < 0)
		return err_errno(err, -r, "list %s", store->path);
	if (n)
		qsort(names, n, sizeof(*names), compare);
	*ret = names;
	*ret_n = n;
	return 0;
}
