/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/do_guards.h"

#include "src/base/io.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/layer/layer.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	MAX_DEPTH = 8,      /* of directories with submodules */
	BARE_DEPTH = 3,     /* of bare repositories, */
	BARE_LOOKED = 2000, /* directories to look at: more would delay each start */
};

struct search {
	struct arena *arena;
	struct do_guards *guards;
	const struct do_path *writable;
	const struct do_texts *unprotected;
	int error; /* of something that could not be looked at */
};

static void note_error(struct search *s)
{
	if (!err_is_absence(errno) && s->error == 0)
		s->error = -errno;
}

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

/* A mount point cannot be renamed, but its parents can: up to the writable directory they become
 * mount points, too, or a program could move them aside and create new ones. */
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

/* st: the existing file; NULL: there is none. */
static void watch(struct search *s, const char *path, const struct stat *st)
{
	struct do_guards *g = s->guards;
	struct do_watched w = { .path = path };

	if (st)
		w = (struct do_watched){ path, true, false, st->st_dev, st->st_ino, st->st_ctim };
	g->watched = arena_room(s->arena, g->watched, g->n_watched, &g->cap_watched,
				sizeof(*g->watched));
	g->watched[g->n_watched++] = w;
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
		note_error(s);
		watch(s, path, NULL);
		return;
	}
	/* A mount would land on the target of the link. */
	if (S_ISLNK(st.st_mode) || has_linked_parent(s->writable->source, path)) {
		watch(s, path, &st);
		return;
	}
	guard_parents(s, name);
	(void)add_guard(s, name, DO_READ, S_ISDIR(st.st_mode));
}

/* In a worktree or submodule .git is a file that leads to the repository. A new directory is judged
 * by its contents. */
static void look_at_git(struct search *s)
{
	const char *path = path_join(s->arena, s->writable->source, ".git");
	size_t before = s->guards->n_watched;
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return;
	look(s, ".git");
	if (s->guards->n_watched > before)
		s->guards->watched[before].file = !s->guards->watched[before].there;
}

/* What could not be looked at may be there. closed: the answer for what this user cannot reach. */
static bool has(const char *dir, const char *name, bool closed)
{
	char path[PATH_MAX];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

	if (n <= 0 || (size_t)n >= sizeof(path))
		return false;
	if (lstat(path, &st) == 0)
		return true;
	return errno == EACCES ? closed : !err_is_absence(errno);
}

/* One that a program has closed may be opened again, too. */
static void watch_closed(struct search *s, const char *path)
{
	struct stat st;

	if (errno == EACCES)
		watch(s, path, lstat(path, &st) == 0 ? &st : NULL);
	else
		note_error(s);
}

/* Calls fn for each directory in dir. Links are watched, not followed: a program could make them
 * lead in circles. */
static void for_each(struct search *s, const char *dir, unsigned int depth,
		     void (*fn)(struct search *s, const char *dir, unsigned int depth))
{
	const char *source = s->writable->source;
	const char *top = *dir ? path_join(s->arena, source, dir) : source;
	DIR *stream = opendir(top);
	struct dirent *entry;

	if (!stream)
		watch_closed(s, top);
	while (stream && s->error == 0 && (entry = io_next_entry(stream, &s->error))) {
		const char *name =
			arena_strf(s->arena, "%s%s%s", dir, *dir ? "/" : "", entry->d_name);
		const char *path = path_join(s->arena, s->writable->source, name);
		struct stat st, to;

		if (lstat(path, &st) < 0)
			note_error(s);
		else if (S_ISDIR(st.st_mode))
			fn(s, name, depth + 1);
		else if (*dir && S_ISLNK(st.st_mode) && stat(path, &to) == 0 &&
			 S_ISDIR(to.st_mode) && !do_is_unprotected(name, s->unprotected))
			watch(s, path, &st);
	}
	if (stream)
		(void)closedir(stream);
}

/* The git configuration of a worktree may be elsewhere. */
static void look_at_worktree(struct search *s, const char *dir, unsigned int depth)
{
	(void)depth;
	look(s, arena_strf(s->arena, "%s/commondir", dir));
	look(s, arena_strf(s->arena, "%s/config.worktree", dir));
}

/* These are large and contain no submodule. */
static bool is_bulk(const char *name)
{
	static const char names[][8] = { "objects", "refs", "logs", "hooks" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_equal(name, names[i]))
			return true;
	return false;
}

/* A submodule has hooks and a configuration. Its name may have slashes (libs/foo), and it may have
 * submodules of its own in modules. Files that a program adds to its directory must not hide the
 * ones below. */
static void look_at_module(struct search *s, const char *dir, unsigned int depth)
{
	static const char parts[][16] = { "hooks", "config", "config.worktree", "commondir" };
	const char *path = path_join(s->arena, s->writable->source, dir);
	bool repository = has(path, "HEAD", true) || has(path, "config", true);

	if (depth > MAX_DEPTH || (depth > 1 && is_bulk(path_base(dir))))
		return;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (repository || has(path, parts[i], true))
			look(s, arena_strf(s->arena, "%s/%s", dir, parts[i]));
	for_each(s, dir, depth, look_at_module);
}

/* Whether git takes the directory for one of its own, such as a bare repository. */
static bool is_git(const char *path)
{
	return has(path, "HEAD", false) &&
	       (has(path, "commondir", false) ||
		(has(path, "objects", false) && has(path, "refs", false)));
}

static void note_bare(struct arena *arena, struct do_guards *g, const char *path)
{
	g->bare = arena_room(arena, g->bare, g->n_bare, &g->cap_bare, sizeof(*g->bare));
	g->bare[g->n_bare++].path = path;
}

/* Directories in which people may run git; links are never followed. */
struct bare {
	struct arena *arena;
	const char *root;
	unsigned int looked;
	void (*found)(void *data, const char *dir); /* relative to root */
	void *data;
	int error;
};

static bool is_directory(int dir, const struct dirent *entry)
{
	struct stat st;

	if (str_equal(entry->d_name, ".git"))
		return false;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static void search_bare(struct bare *b, const char *dir, unsigned int depth)
{
	DIR *stream = opendir(*dir ? path_join(b->arena, b->root, dir) : b->root);
	struct dirent *entry;

	if (!stream && !err_is_absence(errno) && b->error == 0)
		b->error = -errno;
	/* All of the first level: a program inside could otherwise exhaust the limit. */
	while (stream && b->error == 0 && (depth == 1 || b->looked < BARE_LOOKED) &&
	       (entry = io_next_entry(stream, &b->error))) {
		const char *name;

		if (!is_directory(dirfd(stream), entry))
			continue;
		b->looked += depth > 1;
		name = arena_strf(b->arena, "%s%s%s", dir, *dir ? "/" : "", entry->d_name);
		if (is_git(path_join(b->arena, b->root, name)))
			b->found(b->data, name);
		else if (depth < BARE_DEPTH && b->looked < BARE_LOOKED)
			search_bare(b, name, depth + 1);
	}
	if (stream)
		(void)closedir(stream);
}

/* The worktrees and submodules of a repository without .git, which may be anywhere. */
static void look_at_linked(struct search *s, const char *prefix)
{
	if (!do_is_unprotected(".git/worktrees", s->unprotected))
		for_each(s, arena_strf(s->arena, "%sworktrees", prefix), 0, look_at_worktree);
	if (!do_is_unprotected(".git/modules", s->unprotected))
		for_each(s, arena_strf(s->arena, "%smodules", prefix), 0, look_at_module);
}

/* A bare repository, which git accepts as one when it is run in it. */
static void guard_bare(void *data, const char *dir)
{
	struct search *s = data;
	const char *path = path_join(s->arena, s->writable->source, dir);

	note_bare(s->arena, s->guards, path);
	for (size_t i = 0; *do_protected[i]; i++)
		if (str_starts(do_protected[i], ".git/") &&
		    !do_is_unprotected(do_protected[i], s->unprotected))
			look(s,
			     arena_strf(s->arena, "%s%s", dir, do_protected[i] + strlen(".git")));
	look_at_linked(s, arena_strf(s->arena, "%s/", dir));
}

static void find(struct search *s)
{
	struct do_guards *guards = s->guards;
	struct bare bare = {
		.arena = s->arena, .root = s->writable->source, .found = guard_bare, .data = s
	};
	const size_t prefix = strlen(".git/");

	for (size_t i = 0; *do_protected[i]; i++)
		look(s, do_protected[i]);
	look_at_git(s);
	for_each(s, ".git/worktrees", 0, look_at_worktree);
	for_each(s, ".git/modules", 0, look_at_module);
	guards->roots = arena_room(s->arena, guards->roots, guards->n_roots, &guards->cap_roots,
				   sizeof(*guards->roots));
	guards->roots[guards->n_roots++] = s->writable->source;
	search_bare(&bare, "", 1);
	s->error = s->error ? s->error : bare.error;
	if (!is_git(s->writable->source))
		return;
	for (size_t i = 0; *do_protected[i]; i++)
		if (str_starts(do_protected[i], ".git/") &&
		    !do_is_unprotected(do_protected[i], s->unprotected))
			look(s, do_protected[i] + prefix);
	look_at_linked(s, "");
}

int do_guards_find(struct arena *arena, struct do_guards *guards, const struct do_path *writable,
		   const struct do_texts *unprotected, struct err *err)
{
	struct search s = { arena, guards, writable, unprotected, 0 };

	find(&s);
	return s.error < 0
		       ? err_errno(err, -s.error, "search %s for what others run", writable->source)
		       : 0;
}

/* An inode number may be reused; its change time is the kernel's own. */
static bool is_news(const struct do_watched *w, const struct stat *now)
{
	if (w->file && S_ISDIR(now->st_mode))
		return false;
	return !w->there || now->st_dev != w->dev || now->st_ino != w->inode ||
	       now->st_ctim.tv_sec != w->changed.tv_sec ||
	       now->st_ctim.tv_nsec != w->changed.tv_nsec;
}

static bool is_known(const struct do_guards *guards, const char *path)
{
	for (size_t i = 0; i < guards->n_bare; i++)
		if (str_equal(guards->bare[i].path, path))
			return true;
	return false;
}

static void append(struct str *line, const char *path)
{
	str_add(line, line->len ? " " : "");
	layer_text_name(line, path);
}

struct news {
	struct arena *arena;
	const struct do_guards *guards;
	const char *root;
	struct str *line;
};

/* The configuration of a bare repository names programs that git runs. */
static void tell_bare(void *data, const char *dir)
{
	struct news *news = data;
	const char *path = path_join(news->arena, news->root, dir);

	if (!is_known(news->guards, path))
		append(news->line, path);
}

void do_guards_news(struct arena *arena, const struct do_guards *guards, struct str *ret)
{
	struct news news = { arena, guards, NULL, ret };

	for (size_t i = 0; i < guards->n_watched; i++) {
		const struct do_watched *w = &guards->watched[i];
		struct stat st;

		if (lstat(w->path, &st) == 0 && is_news(w, &st))
			append(ret, w->path);
	}
	for (size_t i = 0; i < guards->n_roots; i++) {
		news.root = guards->roots[i];
		search_bare(&(struct bare){ .arena = arena,
					    .root = news.root,
					    .found = tell_bare,
					    .data = &news },
			    "", 1);
	}
}
