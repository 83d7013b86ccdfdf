/* SPDX-License-Identifier: Apache-2.0 */
#include "src/state/store_priv.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/str.h"
#include "src/state/status.h"
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
	MAX_STATE =
		16 * 1024 * 1024, /* of state.json: what could not be read again is not written */
};

#define OPEN_STATE (O_RDONLY | O_NOFOLLOW | O_NONBLOCK)

/* struct state as JSON, read back by the same kind of table that reads configs. */

#define FIELD(struct_name, member, name, json_kind, ...)                                           \
	{                                                                                          \
		.key = name, .kind = json_kind, .offset = offsetof(struct struct_name, member),    \
		__VA_ARGS__                                                                        \
	}

#define UINT_RANGE .umax = UINT64_MAX

static const struct json_name phases[] = {
	{ "creating", STATE_CREATING },
	{ "created", STATE_CREATED },
	{ "started", STATE_STARTED },
	{ NULL, 0 },
};
static const struct json_name drivers[] = {
	{ "none", CGROUP_DRIVER_NONE },
	{ "v2", CGROUP_DRIVER_V2 },
	{ "v1", CGROUP_DRIVER_V1 },
	{ NULL, 0 },
};

static const struct json_name managers[] = {
	{ "system", CGROUP_MANAGER_SYSTEM },
	{ "user", CGROUP_MANAGER_USER },
	{ NULL, 0 },
};

static const struct json_field dir_fields[] = {
	FIELD(cgroup_dir, controllers, "controllers", JSON_STRING, .flags = JSON_REQUIRED),
	FIELD(cgroup_dir, mount, "mount", JSON_STRING, .flags = JSON_REQUIRED | JSON_ABSOLUTE),
	FIELD(cgroup_dir, path, "path", JSON_STRING, .flags = JSON_REQUIRED | JSON_ABSOLUTE),
	FIELD(cgroup_dir, existing, "existing", JSON_INT, .imin = 0, .imax = INT32_MAX),
	FIELD(cgroup_dir, inode, "inode", JSON_UINT, UINT_RANGE),
};
static const struct json_type dir_type = {
	.size = sizeof(struct cgroup_dir),
	.fields = dir_fields,
	.n_fields = sizeof(dir_fields) / sizeof(dir_fields[0]),
};

static const struct json_field state_fields[] = {
	FIELD(state, id, "id", JSON_STRING, .flags = JSON_REQUIRED),
	FIELD(state, bundle, "bundle", JSON_STRING, .flags = JSON_REQUIRED),
	FIELD(state, rootfs, "rootfs", JSON_STRING, .flags = JSON_REQUIRED),
	FIELD(state, phase, "phase", JSON_ENUM, .flags = JSON_REQUIRED, .names = phases),
	FIELD(state, pid, "pid", JSON_INT, .imin = 1, .imax = INT32_MAX),
	FIELD(state, start_time, "startTime", JSON_UINT, UINT_RANGE),
	FIELD(state, boot_id, "bootId", JSON_STRING),
	FIELD(state, created, "created", JSON_STRING, .flags = JSON_REQUIRED),
	FIELD(state, owner, "owner", JSON_UINT, UINT_RANGE),
	FIELD(state, cgroup.kind, "cgroupDriver", JSON_ENUM, .flags = JSON_REQUIRED,
	      .names = drivers),
	FIELD(state, cgroup.dirs, "cgroupDirs", JSON_OBJECTS, .type = &dir_type),
	FIELD(state, unit.name, "unit", JSON_STRING),
	FIELD(state, unit.manager, "unitManager", JSON_ENUM, .names = managers),
	FIELD(state, unit.runtime_dir, "unitRuntimeDir", JSON_STRING, .flags = JSON_ABSOLUTE),
	FIELD(state, mount.id, "mountId", JSON_UINT, UINT_RANGE),
	FIELD(state, mount.unique, "mountUniqueId", JSON_UINT, UINT_RANGE),
	FIELD(state, mount.ns, "mountNamespace", JSON_UINT, UINT_RANGE),
	FIELD(state, mount.ns_path, "mountNamespacePath", JSON_STRING, .flags = JSON_ABSOLUTE),
	FIELD(state, annotations, "annotations", JSON_STRING_MAP),
	FIELD(state, rdt_groups, "rdtGroups", JSON_STRINGS),
	FIELD(state, undo, "undo", JSON_STRINGS),
	FIELD(state, mounts, "addedMounts", JSON_STRINGS),
	FIELD(state, fallbacks, "fallbacks", JSON_STRINGS),
	FIELD(state, namespaces, "namespaces", JSON_STRINGS),
	FIELD(state, net_pid, "netPid", JSON_INT, .imin = 1, .imax = INT32_MAX),
	FIELD(state, net_start_time, "netStartTime", JSON_UINT, UINT_RANGE),
	FIELD(state, layer_pid, "layerPid", JSON_INT, .imin = 1, .imax = INT32_MAX),
	FIELD(state, layer_start_time, "layerStartTime", JSON_UINT, UINT_RANGE),
	FIELD(state, console_pid, "consolePid", JSON_INT, .imin = 1, .imax = INT32_MAX),
	FIELD(state, console_start_time, "consoleStartTime", JSON_UINT, UINT_RANGE),
	FIELD(state, handler, "handler", JSON_OBJECT, .type = &handler_doc_kept_type),
	FIELD(state, poststart_hooks, "poststartHooks", JSON_BOOL),
	FIELD(state, poststop_hooks, "poststopHooks", JSON_BOOL),
	FIELD(state, terminal, "terminal", JSON_BOOL),
	FIELD(state, sandbox, "sandbox", JSON_UINT, .umax = INT64_MAX),
};
static const struct json_type state_type = {
	.size = sizeof(struct state),
	.fields = state_fields,
	.n_fields = sizeof(state_fields) / sizeof(state_fields[0]),
};

static int decode(struct arena *arena, const char *file, const char *text, size_t len,
		  struct state *ret, struct err *err)
{
	static const struct json_limits limits = { .depth = 8, .string = MAX_STATE };

	return json_read(arena, file, text, len, &state_type, &limits, ret, err);
}

static void write_lists(struct json_write *w, const struct state *state)
{
	json_write_array(w, "cgroupDirs");
	for (size_t i = 0; i < state->cgroup.dirs.n; i++) {
		json_write_object(w, NULL);
		json_write_string(w, "controllers", state->cgroup.dirs.v[i].controllers);
		json_write_string(w, "mount", state->cgroup.dirs.v[i].mount);
		json_write_string(w, "path", state->cgroup.dirs.v[i].path);
		if (state->cgroup.dirs.v[i].existing.set)
			json_write_int(w, "existing", state->cgroup.dirs.v[i].existing.v);
		if (state->cgroup.dirs.v[i].inode.set)
			json_write_uint(w, "inode", state->cgroup.dirs.v[i].inode.v);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_object(w, "annotations");
	for (size_t i = 0; i < state->annotations.n; i++)
		json_write_string(w, state->annotations.v[i].key, state->annotations.v[i].value);
	json_write_end(w);
	if (state->rdt_groups.n)
		json_write_strings(w, "rdtGroups", state->rdt_groups.v, state->rdt_groups.n);
	json_write_strings(w, "undo", state->undo.v, state->undo.n);
	if (state->mounts.n)
		json_write_strings(w, "addedMounts", state->mounts.v, state->mounts.n);
	json_write_strings(w, "fallbacks", state->fallbacks.v, state->fallbacks.n);
	json_write_strings(w, "namespaces", state->namespaces.v, state->namespaces.n);
}

static void write_unit(struct json_write *w, const struct cgroup_unit_ref *unit)
{
	if (!unit->name)
		return;
	json_write_string(w, "unit", unit->name);
	json_write_string(w, "unitManager", json_read_enum_name(managers, (int)unit->manager));
	if (unit->runtime_dir)
		json_write_string(w, "unitRuntimeDir", unit->runtime_dir);
}

static void write_mount(struct json_write *w, const struct state_mount *mount)
{
	if (!mount->id.set)
		return;
	json_write_uint(w, "mountId", mount->id.v);
	if (mount->unique.set)
		json_write_uint(w, "mountUniqueId", mount->unique.v);
	json_write_uint(w, "mountNamespace", mount->ns.v);
	if (mount->ns_path)
		json_write_string(w, "mountNamespacePath", mount->ns_path);
}

static int encode(const struct state *state, struct json_write **ret, const char **ret_text,
		  size_t *ret_len, struct err *err)
{
	struct json_write *w = json_write_new(true);

	json_write_object(w, NULL);
	json_write_string(w, "id", state->id);
	json_write_string(w, "bundle", state->bundle);
	json_write_string(w, "rootfs", state->rootfs);
	json_write_string(w, "phase", json_read_enum_name(phases, state->phase));
	if (state->pid.set)
		json_write_int(w, "pid", state->pid.v);
	if (state->start_time.set)
		json_write_uint(w, "startTime", state->start_time.v);
	json_write_string(w, "bootId", state->boot_id);
	json_write_string(w, "created", state->created);
	json_write_uint(w, "owner", state->owner.v);
	json_write_string(w, "cgroupDriver", json_read_enum_name(drivers, (int)state->cgroup.kind));
	write_unit(w, &state->unit);
	write_mount(w, &state->mount);
	write_lists(w, state);
	if (state->net_pid.set) {
		json_write_int(w, "netPid", state->net_pid.v);
		json_write_uint(w, "netStartTime", state->net_start_time.v);
	}
	if (state->layer_pid.set) {
		json_write_int(w, "layerPid", state->layer_pid.v);
		json_write_uint(w, "layerStartTime", state->layer_start_time.v);
	}
	if (state->console_pid.set) {
		json_write_int(w, "consolePid", state->console_pid.v);
		json_write_uint(w, "consoleStartTime", state->console_start_time.v);
	}
	if (state->handler)
		handler_doc_write_kept(w, "handler", state->handler);
	json_write_bool(w, "poststartHooks", state->poststart_hooks.v);
	json_write_bool(w, "poststopHooks", state->poststop_hooks.v);
	json_write_bool(w, "terminal", state->terminal.v);
	if (state->sandbox.set)
		json_write_uint(w, "sandbox", state->sandbox.v);
	json_write_end(w);
	*ret = w;
	*ret_text = json_write_text(w, ret_len, err);
	if (*ret_text && *ret_len > MAX_STATE)
		return err_set(err, E2BIG, "state.json: %zu bytes, more than %d", *ret_len,
			       MAX_STATE);
	return *ret_text ? 0 : -EINVAL;
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
	/* Where there is no directory, nothing has its mark. */
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
	return err_errno(err, -error, "%s/%s is not the directory of a container", store->path, id);
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

/* A process that no cgroup leads to must be found even when state.json is damaged. */
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
	if (status_has_rebooted(&written)) /* another process may have the pid, and the time */
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
	int r = encode(state, &w, &text, &len, err);

	if (r == 0)
		r = io_replace_file(dirfd, "state.json", text, len, 0600, err);
	if (r == 0)
		r = write_init(dirfd, state, err);
	return r < 0 ? err_prefix(err, "state of container %s", state->id) : 0;
}

static int read_state(int fd, const char *name, const char *id, struct arena *arena,
		      struct state *ret, struct err *err)
{
	char *text;
	size_t len;
	int r = io_read_fd(fd, name, MAX_STATE, arena, &text, &len, err);

	if (r == 0)
		r = decode(arena, name, text, len, ret, err);
	if (r == 0 && !str_equal(ret->id, id))
		r = err_set(err, EINVAL, "%s: belongs to \"%s\"", name, ret->id);
	if (r == 0 && ret->unit.manager == CGROUP_MANAGER_USER && !ret->unit.runtime_dir)
		r = err_set(err, EINVAL, "%s: unitRuntimeDir is missing", name);
	if (r == 0 && ret->phase != STATE_CREATING && (!ret->pid.set || !ret->start_time.set))
		r = err_set(err, EINVAL, "%s: pid and startTime are missing", name);
	return r;
}

int store_read(struct store *store, int dirfd, const char *id, struct arena *arena,
	       struct state *ret, struct err *err)
{
	char *name = arena_strf(arena, "%s/%s/state.json", store->path, id);
	_cleanup_close_ int fd = openat(dirfd, "state.json", OPEN_STATE | O_CLOEXEC);
	int r = fd < 0 ? err_errno(err, errno, "open %s", name)
		       : read_state(fd, name, id, arena, ret, err);

	if (r == 0)
		return 0;
	err->code = ENODATA;
	err->hint[0] = '\0'; /* the reader's is for files that people write */
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

/* What another has put there is no reason to keep a container for ever: directories go too, links
 * are not followed. */
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

/* Whatever else is there: temporary files of a writer that was killed, files of another version. */
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

/* A command that had the directory open may write a last file into it: then another round. */
static int remove_dir(const struct store *store, const char *id, int dirfd)
{
	for (int round = 0; round < REMOVE_ROUNDS; round++) {
		int r;

		if (unlinkat(store->fd, id, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
		r = remove_entries(dirfd, 0, NULL);
		if (r < 0)
			return r;
	}
	return -ENOTEMPTY;
}

int store_remove(struct store *store, const char *id, struct err *err)
{
	_cleanup_close_ int dir = store_priv_open_dir(store, id);
	int r;

	if (dir == -ENOENT)
		return 0;
	/* Neither was made by us: the name goes, what a link points to stays. */
	if ((dir == -ELOOP || dir == -ENOTDIR) && unlinkat(store->fd, id, 0) == 0)
		return 0;
	if (dir < 0)
		return not_a_dir(store, id, dir, err);
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
		if (store_check_id(entry->d_name, &ignored) < 0 || !is_directory(dirfd(dir), entry))
			continue;
		names = arena_room(arena, names, n, &cap, sizeof(*names));
		names[n++] = arena_strdup(arena, entry->d_name);
	}
	(void)closedir(dir);
	if (n)
		qsort(names, n, sizeof(*names), compare);
	*ret = names;
	*ret_n = n;
	return 0;
}
