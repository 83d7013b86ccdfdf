/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/do_guards.h"

#include "src/base/path.h"
#include "src/base/str.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

struct search {
	struct arena *arena;
	struct do_guards *guards;
	const struct do_path *writable;
	const struct do_texts *unprotected;
};

static struct do_path *add_guard(struct search *s, const char *name, enum do_how how,
				 bool directory)
{
	struct do_guards *g = s->guards;

	g->v = arena_room(s->arena, g->v, g->n, &g->cap, sizeof(*g->v));
	g->v[g->n] = (struct do_path){
		.how = how,
		.source = path_join(s->arena, s->writable->source, name),
		.target = path_join(s->arena, s->writable->target, name),
		.directory = directory,
		.there = true,
	};
	return &g->v[g->n++];
}

/* Only a mount point itself cannot be renamed: its parents, up to the writable directory, become
 * mount points too, or the whole of them would be moved aside and made anew. */
static void guard_parents(struct search *s, const char *name)
{
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *parent = arena_strndup(s->arena, name, (size_t)(slash - name));
		const char *target = path_join(s->arena, s->writable->target, parent);
		bool known = false;

		for (size_t i = 0; i < s->guards->n; i++)
			known |= str_equal(s->guards->v[i].target, target);
		if (!known)
			(void)add_guard(s, parent, DO_WRITE, true);
	}
}

static void watch(struct search *s, const char *path, uint64_t inode)
{
	struct do_guards *g = s->guards;

	g->watched = arena_room(s->arena, g->watched, g->n_watched, &g->cap_watched,
				sizeof(*g->watched));
	g->watched[g->n_watched++] = (struct do_watched){ path, inode };
}

static bool has_linked_parent(const char *base, const char *path)
{
	char parent[4096];
	struct stat st;

	for (const char *slash = strchr(path + strlen(base) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - path);

		if (len >= sizeof(parent))
			return true;
		memcpy(parent, path, len);
		parent[len] = '\0';
		if (lstat(parent, &st) == 0 && S_ISLNK(st.st_mode))
			return true;
	}
	return false;
}

static void look(struct search *s, const char *name)
{
	const char *path = path_join(s->arena, s->writable->source, name);
	struct stat st;

	if (do_is_unprotected(name, s->unprotected))
		return;
	if (lstat(path, &st) < 0) {
		watch(s, path, 0);
		return;
	}
	/* A mount would land where the link leads to. */
	if (S_ISLNK(st.st_mode) || has_linked_parent(s->writable->source, path)) {
		watch(s, path, st.st_ino);
		return;
	}
	guard_parents(s, name);
	(void)add_guard(s, name, DO_READ, S_ISDIR(st.st_mode));
}

/* Each submodule has hooks and a configuration. */
static void look_for_modules(struct search *s, const char *modules)
{
	DIR *dir = opendir(path_join(s->arena, s->writable->source, modules));
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		look(s, arena_strf(s->arena, "%s/%s/hooks", modules, entry->d_name));
		look(s, arena_strf(s->arena, "%s/%s/config", modules, entry->d_name));
	}
	if (dir)
		(void)closedir(dir);
}

/* A directory that is git's own, as that of a worktree's repository. */
static bool is_git_directory(struct search *s)
{
	static const char *const parts[] = { "HEAD", "objects", "refs" };
	struct stat st;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (lstat(path_join(s->arena, s->writable->source, parts[i]), &st) < 0)
			return false;
	return true;
}

void do_guards_find(struct arena *arena, struct do_guards *guards, const struct do_path *writable,
		    const struct do_texts *unprotected)
{
	struct search s = { arena, guards, writable, unprotected };
	const size_t prefix = strlen(".git/");

	for (size_t i = 0; do_protected[i]; i++)
		look(&s, do_protected[i]);
	look_for_modules(&s, ".git/modules");
	if (!is_git_directory(&s))
		return;
	for (size_t i = 0; do_protected[i]; i++)
		if (str_starts(do_protected[i], ".git/"))
			look(&s, do_protected[i] + prefix);
	look_for_modules(&s, "modules");
}

const char *do_guards_news(struct arena *arena, const struct do_guards *guards)
{
	const char *line = NULL;

	for (size_t i = 0; i < guards->n_watched; i++) {
		const struct do_watched *w = &guards->watched[i];
		struct stat st;

		if (lstat(w->path, &st) == 0 && st.st_ino != w->inode)
			line = line ? arena_strf(arena, "%s %s", line, w->path) : w->path;
	}
	return line;
}
