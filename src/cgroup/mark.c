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
	    errno != EEXIST || !read_mark(path, other))
		return 0;
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

static bool is_same_group(const struct cgroup_dir *dir, const char *path)
{
	struct stat st;

	return dir->inode.set && stat(path, &st) == 0 && st.st_ino == dir->inode.v;
}

/* -ENOENT: the cgroup does not exist. */
static int owner_of(const struct cgroup_dir *dir, const char *mark, char other[MARK_SIZE])
{
	char text[MARK_SIZE], path[4096];
	int n = snprintf(path, sizeof(path), "%s%s", dir->mount, dir->path);

	if (n < 0 || (size_t)n >= sizeof(path))
		return MARK_NOBODYS;
	if (!read_mark(path, text)) {
		if (errno == ENOENT || errno == ENOTDIR)
			return -ENOENT;
		return errno == EOPNOTSUPP || is_same_group(dir, path) ? MARK_OURS : MARK_NOBODYS;
	}
	if (str_equal(text, mark))
		return MARK_OURS;
	if (other)
		(void)strcpy(other, text);
	/* The owner of a delegated cgroup, a container in a user namespace, may change its mark. */
	return is_same_group(dir, path) ? MARK_DOUBTED : MARK_OTHERS;
}

struct cgroup_place mark_pick(struct arena *arena, const struct cgroup_place *place,
			      const char *mark, enum mark_owner owner, char ret_other[MARK_SIZE])
{
	size_t n = place->dirs.n, first = n ? first_of(place) : 0, kept = 0;
	struct cgroup_dir *dirs = arena_array(arena, n + 1, sizeof(*dirs));
	const char *path = NULL;
	int of_path = MARK_NOBODYS;

	for (size_t at = 0; at < n; at++) {
		const struct cgroup_dir *dir = &place->dirs.v[(first + at) % n];
		bool same = path && str_equal(dir->path, path);
		char other[MARK_SIZE] = "";
		int of = same ? of_path : owner_of(dir, mark, other);

		if (!path && of >= 0) {
			path = dir->path;
			of_path = of;
		}
		if ((of < 0 ? MARK_OURS : (enum mark_owner)of) != owner)
			continue;
		if (kept == 0 && ret_other) /* never `same`: the first of the path would be kept */
			(void)strcpy(ret_other, other);
		dirs[kept++] = *dir;
	}
	return (struct cgroup_place){ .kind = place->kind, .dirs = { .v = dirs, .n = kept } };
}

bool mark_agrees(const struct cgroup_place *place, const char *mark)
{
	const struct cgroup_dir *dirs = place->dirs.v;

	for (size_t i = 1; i < place->dirs.n; i++)
		if (!str_equal(dirs[i].path, dirs[0].path))
			return false;
	return place->dirs.n && owner_of(&dirs[first_of(place)], mark, NULL) == MARK_OURS;
}

struct search {
	const char *mark;
	char path[4096], other[MARK_SIZE];
};

static int look(int dir, void *data)
{
	struct search *search = data;
	char link[32], text[MARK_SIZE];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	if (!read_mark(link, text))
		return 0;
	if (!str_equal(text, search->mark)) {
		(void)strcpy(search->other, text);
		return 0;
	}
	n = readlink(link, search->path, sizeof(search->path) - 1);
	search->path[n > 0 ? n : 0] = '\0';
	return -EEXIST; /* ends the walk */
}

/* 1: found, 0: not found, -ENOENT: the cgroup does not exist. */
static int search_below(const char *group, struct search *search)
{
	const struct group_walk walk = { .enter = look, .data = search };
	_cleanup_close_ int top = openat(AT_FDCWD, group, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (top < 0)
		return -ENOENT;
	return group_walk(top, &walk) == -EEXIST;
}

const char *mark_search(struct arena *arena, const char *mount, const char *mark)
{
	struct search search = { .mark = mark };
	size_t len = strlen(mount);

	if (search_below(mount, &search) <= 0 || strncmp(search.path, mount, len) != 0 ||
	    search.path[len] != '/')
		return NULL;
	return arena_strdup(arena, search.path + len);
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
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	if (!read_mark(link, text) || !str_starts(text, c->prefix))
		return 0;
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	if (!str_starts(path, c->mount) || path[mount] != '/')
		return 0;
	c->v = arena_room(c->arena, c->v, c->n, &c->cap, sizeof(*c->v));
	c->v[c->n++] =
		(struct mark_found){ .rest = arena_strdup(c->arena, text + strlen(c->prefix)),
				     .path = arena_strdup(c->arena, path + mount) };
	return 0;
}

size_t mark_list(struct arena *arena, const char *mount, const char *prefix,
		 const struct mark_found **ret)
{
	struct mark_collection c = { .arena = arena, .mount = mount, .prefix = prefix };
	const struct group_walk walk = { .enter = collect, .data = &c };
	_cleanup_close_ int top = openat(AT_FDCWD, mount, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (top >= 0)
		(void)group_walk(top, &walk); /* cgroups that cannot be walked are skipped */
	*ret = c.v;
	return c.n;
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
	const char *base;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, search->path, sizeof(search->path) - 1);
	search->path[n > 0 ? n : 0] = '\0';
	base = strrchr(search->path, '/');
	for (const char *const *name = search->names; base && *name; name++)
		if ((size_t)n > search->len && str_equal(base + 1, *name) && !read_mark(link, text))
			return -EEXIST;
	return 0;
}

const char *mark_search_nobodys(struct arena *arena, const char *mount, const char *const *names)
{
	struct name_search search = { .names = names, .len = strlen(mount) };
	const struct group_walk walk = { .enter = look_at_name, .data = &search };
	_cleanup_close_ int top = openat(AT_FDCWD, mount, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return top >= 0 && group_walk(top, &walk) == -EEXIST ? arena_strdup(arena, search.path)
							     : NULL;
}

int mark_find(struct arena *arena, const struct cgroup_place *place, const char *mark,
	      const char **ret_path, char ret_other[MARK_SIZE])
{
	struct search search = { .mark = mark };
	int result = -ENOENT;

	for (size_t i = 0; i < place->dirs.n; i++) {
		const struct cgroup_dir *dir = &place->dirs.v[i];
		struct group_path buf;
		int r = search_below(group_path(dir, &buf), &search);

		if (r > 0) {
			*ret_path = arena_strdup(arena, search.path + strlen(dir->mount));
			return MARK_OURS;
		}
		result = r == 0 ? MARK_NOBODYS : result;
	}
	(void)strcpy(ret_other, search.other);
	return *search.other ? MARK_OTHERS : result;
}
