/* SPDX-License-Identifier: Apache-2.0 */
#include "src/host/foreign.h"

#include "src/base/io.h"
#include "src/base/path.h"
#include "src/base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Limits what a start costs for a directory that has no such file. */
enum { MOST = 2000 };

struct walk {
	struct arena *arena;
	const uint32_t *groups;
	size_t n_groups;
	const char **dirs; /* still to be read: from index next on */
	size_t next, n, cap;
	size_t looked;
	dev_t device;
	uint32_t found;
};

size_t foreign_groups(struct arena *arena, const uint32_t *groups, size_t n,
		      const struct idmap *map, const uint32_t **ret)
{
	uint32_t *v = arena_array(arena, n, sizeof(*v));
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (idmap_to_container(map, groups[i]) < 0)
			v[kept++] = groups[i];
	*ret = v;
	return kept;
}

static bool is_one(struct walk *w, uint32_t gid)
{
	for (size_t i = 0; i < w->n_groups; i++)
		if (w->groups[i] == gid)
			return true;
	return false;
}

static bool look(struct walk *w, int dir, const char *parent, const char *name)
{
	struct stat st;

	if (str_equal(name, ".") || str_equal(name, "..") ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0 ||
	    S_ISLNK(st.st_mode) || st.st_dev != w->device)
		return false;
	w->looked++;
	if (is_one(w, st.st_gid)) {
		w->found = st.st_gid;
		return true;
	}
	if (S_ISDIR(st.st_mode)) {
		w->dirs = arena_room(w->arena, w->dirs, w->n, &w->cap, sizeof(*w->dirs));
		w->dirs[w->n++] = path_join(w->arena, parent, name);
	}
	return false;
}

static bool look_in(struct walk *w, const char *path)
{
	DIR *stream = opendir(path);
	struct dirent *entry;
	bool found = false;
	int ignored;

	while (stream && !found && w->looked < MOST && (entry = io_next_entry(stream, &ignored)))
		found = look(w, dirfd(stream), path, entry->d_name);
	if (stream)
		(void)closedir(stream);
	return found;
}

bool foreign_find(struct arena *arena, const char *path, const uint32_t *groups, size_t n,
		  uint32_t *ret)
{
	struct walk w = { .arena = arena, .groups = groups, .n_groups = n };
	struct stat st;
	bool found;

	if (!n || stat(path, &st) < 0)
		return false;
	w.device = st.st_dev;
	found = look_in(&w, path);
	while (!found && w.next < w.n && w.looked < MOST)
		found = look_in(&w, w.dirs[w.next++]);
	*ret = w.found;
	return found;
}
