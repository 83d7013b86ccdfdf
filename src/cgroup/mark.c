/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cgroup/mark.h"

#include "src/base/fd.h"
#include "src/base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OWNER "user.usrun.owner"

/* The directory to check first: v2, which only pure v1 hosts lack. */
static size_t first_of(const struct cgroup_place *place)
{
	for (size_t i = 0; i < place->dirs.n; i++)
		if (group_is_v2(&place->dirs.v[i]))
			return i;
	return 0;
}

static bool read_mark(const char *path, char ret[MARK_SIZE])
{
	ssize_t n = getxattr(path, OWNER, ret, MARK_SIZE - 1);

	ret[n > 0 ? n : 0] = '\0';
	/* The cgroup's owner may have set an empty value, which getxattr() does not treat as an
	 * error. */
	if (n == 0)
		errno = ENODATA;
	return n > 0;
}

static int claim(int fd, const char *mark, bool take, char other[MARK_SIZE])
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (setxattr(path, OWNER, mark, strlen(mark), take ? 0 : XATTR_CREATE) == 0 ||
	    errno != EEXIST)
		return 0;
	if (!read_mark(path, other)) {
		if (errno == ENODATA)
			return 0;
		(void)snprintf(other, MARK_SIZE, "its mark cannot be read");
		return -EEXIST;
	}
	return str_equal(other, mark) ? 0 : -EEXIST;
}

int mark_claim(const struct cgroup *cgroup, const char *done, const char *mark, bool take,
	       char ret_other[MARK_SIZE])
{
	const struct cgroup_place *place = &cgroup->place;
	size_t n = place->dirs.n, first = n ? first_of(place) : 0;
	const char *path = done;

	for (size_t at = 0; at < n; at++) {
		size_t i = (first + at) % n;
		int r;

		if (cgroup->fds[i] < 0 || (path && str_equal(place->dirs.v[i].path, path)))
			continue;
		r = claim(cgroup->fds[i], mark, take, ret_other);
		if (r < 0)
			return r;
		if (!path)
			path = place->dirs.v[i].path;
	}
	return 0;
}

void mark_note(const struct cgroup *cgroup, struct cgroup_dir *dirs)
{
	size_t n = cgroup->place.dirs.n, first = n ? first_of(&cgroup->place) : 0;
	struct stat st;

	if (n && cgroup->fds[first] >= 0 && fstat(cgroup->fds[first], &st) == 0)
		dirs[first].inode = (struct json_uint){ true, st.st_ino };
}

/* 1, 0 or -errno. */
static int is_same_group(const struct cgroup_dir *dir, const char *path)
{
	struct stat st;

	if (!dir->inode.set)
		return 0;
	if (stat(path, &st) < 0)
		return -errno;
	return st.st_ino == dir->inode.v;
}

/* Whether getxattr(2) says that there is no mark of ours. The owner of a cgroup may close it. */
static bool is_unmarked(int error)
{
	return error == ENODATA || error == ERANGE || error == EACCES;
}

/* One of enum mark_owner; -ENOENT: the cgroup does not exist; or another error. */
static int owner_of(const struct cgroup_dir *dir, const char *mark, char other[MARK_SIZE])
{
	char text[MARK_SIZE], path[4096];
	int n = snprintf(path, sizeof(path), "%s%s", dir->mount, dir->path), same;
	bool marked;

	*other = '\0';
	if (n < 0 || (size_t)n >= sizeof(path))
		return MARK_NOBODYS;
	marked = read_mark(path, text);
	if (!marked && errno == EOPNOTSUPP)
		return MARK_OURS;
	if (!marked && !is_unmarked(errno))
		return errno == ENOTDIR ? -ENOENT : -errno;
	if (marked && str_equal(text, mark))
		return MARK_OURS;
	same = is_same_group(dir, path);
	if (!marked)
		return same < 0 ? same : same ? MARK_OURS : MARK_NOBODYS;
	(void)strcpy(other, text);
	/* The owner of a delegated cgroup, a container in a user namespace, may change its mark. */
	return same < 0 ? same : same ? MARK_DOUBTED : MARK_OTHERS;
}

static void keep_first(struct mark_sorted *sorted, enum mark_owner owner, const char *other)
{
	char *first = owner == MARK_OTHERS ? sorted->others : sorted->doubted;

	if (*other && !*first)
		(void)strcpy(first, other);
}

int mark_sort(struct arena *arena, const struct cgroup_place *place, const char *mark,
	      struct mark_sorted *ret, struct err *err)
{
	size_t n = place->dirs.n, first = n ? first_of(place) : 0;
	struct cgroup_dir *dirs[MARK_DOUBTED + 1];
	const char *path = NULL;
	int of_path = MARK_NOBODYS;

	*ret = (struct mark_sorted){ 0 };
	for (int owner = 0; owner <= MARK_DOUBTED; owner++) {
		dirs[owner] = arena_array(arena, n + 1, sizeof(**dirs));
		ret->of[owner] = (struct cgroup_place){ place->kind, { dirs[owner], 0 } };
	}
	for (size_t at = 0; at < n; at++) {
		const struct cgroup_dir *dir = &place->dirs.v[(first + at) % n];
		bool same = path && str_equal(dir->path, path);
		char other[MARK_SIZE] = "";
		int of = same ? of_path : owner_of(dir, mark, other);

		if (of < 0 && of != -ENOENT)
			return err_errno(err, -of, "look for the owner of the cgroup %s%s",
					 dir->mount, dir->path);
		if (!path && of >= 0) {
			path = dir->path;
			of_path = of;
		}
		of = of < 0 ? MARK_OURS : of;
		dirs[of][ret->of[of].dirs.n++] = *dir;
		keep_first(ret, (enum mark_owner)of, other);
	}
	return 0;
}

bool mark_agrees(const struct cgroup_place *place, const char *mark)
{
	const struct cgroup_dir *dirs = place->dirs.v;
	char other[MARK_SIZE];

	for (size_t i = 1; i < place->dirs.n; i++)
		if (!str_equal(dirs[i].path, dirs[0].path))
			return false;
	return place->dirs.n && owner_of(&dirs[first_of(place)], mark, other) == MARK_OURS;
}

/* A cgroup on a walk: 1: it has a mark, 0: none, or it is skipped. */
static int mark_of(int dir, char link[32], char text[MARK_SIZE])
{
	static const struct group_walk walk = { .skips_closed = true };

	(void)snprintf(link, 32, "/proc/self/fd/%d", dir);
	if (read_mark(link, text))
		return 1;
	/* ERANGE: longer than any mark of ours */
	if (errno == ENODATA || errno == EOPNOTSUPP || errno == ERANGE)
		return 0;
	return group_walk_skips(&walk, errno) ? 0 : -errno;
}

static int path_of(const char *link, char *path, size_t size)
{
	ssize_t n = readlink(link, path, size - 1);

	path[n > 0 ? n : 0] = '\0';
	return n < 0 ? -errno : 0;
}

/* 1: found, which ends the walk with -EEXIST, 0: not found, -ENOENT: the cgroup does not exist. */
static int walk_below(const char *group, int (*enter)(int dir, void *data), void *data)
{
	const struct group_walk walk = { .skips_closed = true, .enter = enter, .data = data };
	_cleanup_close_ int top = openat(AT_FDCWD, group, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = top < 0 ? -errno : group_walk(top, &walk);

	return r == -EEXIST ? 1 : r;
}

struct search {
	const char *mark;
	char path[4096], other[MARK_SIZE];
};

static int look(int dir, void *data)
{
	struct search *search = data;
	char link[32], text[MARK_SIZE];
	int r = mark_of(dir, link, text);

	if (r <= 0)
		return r;
	if (!str_equal(text, search->mark)) {
		(void)strcpy(search->other, text);
		return 0;
	}
	r = path_of(link, search->path, sizeof(search->path));
	return r < 0 ? r : -EEXIST;
}

int mark_search(struct arena *arena, const char *mount, const char *mark, const char **ret,
		struct err *err)
{
	struct search search = { .mark = mark };
	size_t len = strlen(mount);
	int r = walk_below(mount, look, &search);

	*ret = NULL;
	if (r < 0 && r != -ENOENT)
		return err_errno(err, -r, "look for the container's cgroups below %s", mount);
	if (r > 0 && strncmp(search.path, mount, len) == 0 && search.path[len] == '/')
		*ret = arena_strdup(arena, search.path + len);
	return 0;
}

struct mark_collection {
	struct arena *arena;
	const char *mount, *prefix;
	struct mark_found *v;
	size_t n, cap;
};

static int collect(int dir, void *data)
{
	struct mark_collection *c = data;
	char link[32], text[MARK_SIZE], path[4096];
	size_t mount = strlen(c->mount);
	int r = mark_of(dir, link, text);

	if (r > 0 && str_starts(text, c->prefix))
		r = path_of(link, path, sizeof(path));
	else
		return r < 0 ? r : 0;
	if (r < 0 || !str_starts(path, c->mount) || path[mount] != '/')
		return r;
	c->v = arena_room(c->arena, c->v, c->n, &c->cap, sizeof(*c->v));
	c->v[c->n++] =
		(struct mark_found){ .rest = arena_strdup(c->arena, text + strlen(c->prefix)),
				     .path = arena_strdup(c->arena, path + mount) };
	return 0;
}

int mark_list(struct arena *arena, const char *mount, const char *prefix,
	      const struct mark_found **ret, size_t *ret_n)
{
	struct mark_collection c = { .arena = arena, .mount = mount, .prefix = prefix };
	int r = walk_below(mount, collect, &c);

	*ret = c.v;
	*ret_n = c.n;
	return r == -ENOENT ? 0 : r;
}

struct name_search {
	const char *const *names;
	size_t len; /* length of the mount's path */
	char path[4096];
};

static int look_at_name(int dir, void *data)
{
	struct name_search *search = data;
	char link[32], text[MARK_SIZE];
	int of = mark_of(dir, link, text), r;
	const char *base;

	if (of != 0)
		return of < 0 ? of : 0;
	r = path_of(link, search->path, sizeof(search->path));
	base = strrchr(search->path, '/');
	for (const char *const *name = search->names; r == 0 && base && *name; name++)
		if (strlen(search->path) > search->len && str_equal(base + 1, *name))
			r = -EEXIST;
	return r;
}

int mark_search_nobodys(struct arena *arena, const char *mount, const char *const *names,
			const char **ret, struct err *err)
{
	struct name_search search = { .names = names, .len = strlen(mount) };
	int r = walk_below(mount, look_at_name, &search);

	*ret = r > 0 ? arena_strdup(arena, search.path) : NULL;
	if (r < 0 && r != -ENOENT)
		return err_errno(err, -r, "look for the container's cgroups below %s", mount);
	return 0;
}

int mark_find(struct arena *arena, const struct cgroup_place *place, const char *mark,
	      const char **ret_path, char ret_other[MARK_SIZE])
{
	struct search search = { .mark = mark };
	int result = -ENOENT;

	for (size_t i = 0; i < place->dirs.n; i++) {
		const struct cgroup_dir *dir = &place->dirs.v[i];
		struct group_path buf;
		int r = walk_below(group_path(dir, &buf), look, &search);

		if (r > 0) {
			*ret_path = arena_strdup(arena, search.path + strlen(dir->mount));
			return MARK_OURS;
		}
		if (r < 0 && r != -ENOENT)
			return r;
		result = r == 0 ? MARK_NOBODYS : result;
	}
	(void)strcpy(ret_other, search.other);
	return *search.other ? MARK_OTHERS : result;
}
