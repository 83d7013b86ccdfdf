/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/do_layer.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/json_write.h"
#include "src/base/log.h"
#include "src/base/path.h"
#include "src/cmd/common.h"
#include "src/cmd/do_guards.h"
#include "src/cmd/do_ids.h"
#include "src/cmd/do_patience.h"
#include "src/do/do.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LISTING "usrun: listing the changes ...\n"

/* Whether usrun created it as a mount point. */
static bool is_mount_point(const struct plan *plan, const char *path)
{
	for (size_t i = 0; plan && i < plan->rootfs.n_mounts; i++)
		if (path_is_below(plan->rootfs.mounts[i].target, path))
			return true;
	return false;
}

/* Home directories and /tmp belong to the sandbox: listed only if all changes are asked for. plan:
 * that of the run that has just ended, or NULL. */
static void leave_out_own(struct arena *arena, struct layer_changes *changes,
			  const struct plan *plan, bool all)
{
	size_t kept = 0;

	for (size_t i = 0; i < changes->n; i++) {
		const struct layer_change *c = &changes->v[i];

		if ((c->part->empty.v && !all) ||
		    (c->what == LAYER_ADDED && is_mount_point(plan, layer_text_path(arena, c))))
			continue;
		changes->v[kept++] = *c;
	}
	changes->n = kept;
}

static int to_text(struct str *out, const struct layer_changes *changes, const char *how,
		   struct err *err)
{
	_cleanup_json_write_ struct json_write *w = NULL;
	const char *text;

	if (!str_ends(how, "json")) {
		layer_text(out, changes);
		return 0;
	}
	w = json_write_new(false);
	layer_text_json(w, changes);
	text = json_write_text(w, NULL, err);
	if (!text)
		return -err->code;
	str_addf(out, "%s\n", text);
	return 0;
}

/* All of them, if there are no paths. */
static void keep_named(struct arena *arena, struct layer_changes *changes,
		       const struct layer_choice *choice)
{
	size_t kept = 0;

	for (size_t i = 0; i < changes->n; i++) {
		const char *path = layer_text_path(arena, &changes->v[i]);
		bool named = !choice || !choice->n;

		for (size_t k = 0; !named && k < choice->n; k++)
			named = path_is_below(path, choice->paths[k]);
		if (named)
			changes->v[kept++] = changes->v[i];
	}
	changes->n = kept;
}

struct listing {
	const char *how;                   /* of --changes */
	const struct plan *plan;           /* whose own changes are left out, or NULL */
	const struct layer_choice *choice; /* or NULL */
};

static int list(struct arena *arena, const struct layer *layer, const struct listing *listing,
		struct str *out, struct err *err)
{
	struct layer_changes changes = { 0 };
	int r = layer_changes(arena, layer, &changes, err);

	if (r < 0)
		return r;
	leave_out_own(arena, &changes, listing->plan, str_starts(listing->how, "all"));
	keep_named(arena, &changes, listing->choice);
	return to_text(out, &changes, listing->how, err);
}

static void tell_full(const struct start *start, int fd)
{
	struct statfs fs;

	if (!start->plan->layer.dir && fstatfs(fd, &fs) == 0 && fs.f_blocks && !fs.f_bavail)
		log_notice("the layer in memory is full (%llu MiB): raise --layer-size, or keep it "
			   "on disk with --overlay=DIR",
			   (unsigned long long)fs.f_blocks * (unsigned long long)fs.f_bsize >> 20);
}

static int show(struct arena *arena, struct layer *layer, const struct listing *listing,
		struct err *err)
{
	_cleanup_str_ struct str out = { 0 };
	int r = do_ids_enter(arena, layer, err);

	if (r == 0)
		r = list(arena, layer, listing, &out, err);
	if (r < 0)
		return err_prefix(err, "--changes");
	r = io_print(STDERR_FILENO, str_text(&out), out.len);
	return r < 0 ? err_errno(err, -r, "--changes: write to standard error") : 0;
}

int do_layer_tell(struct arena *arena, struct start *start, const char *changes, struct err *err)
{
	_cleanup_close_ int top = fd_take(&start->layer_top);
	const struct listing listing = { .how = changes, .plan = start->plan };
	struct layer *layer = &start->layer;
	int r = 0;

	if (layer->fd < 0)
		layer->fd = fd_take(&top);
	if (changes && layer->fd >= 0) {
		do_patience_begin(LISTING);
		r = show(arena, layer, &listing, err);
		do_patience_end();
		tell_full(start, layer->fd);
	}
	layer_close(layer);
	return r;
}

/* Compares in any spelling: the target's file system may ignore case, as those that Windows and
 * macOS share with a virtual machine, although the layer's does not. */
static bool is_spelt_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncasecmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Where a repository keeps those of its submodules and worktrees. */
static bool is_in_git(const char *path)
{
	return is_spelt_below(path, ".git/modules") || is_spelt_below(path, ".git/worktrees");
}

static bool has_part_of_git(const char *path)
{
	static const char names[][16] = { "hooks", "config", "config.worktree", "commondir" };

	for (; (path = strchr(path, '/')); path++)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (is_spelt_below(path + 1, names[i]))
				return true;
	return false;
}

/* A link or file in place of a directory with protected files: git follows a link, or a file
 * .git. */
static bool leads_elsewhere(const char *path, uint32_t mode)
{
	if (!mode || S_ISDIR(mode))
		return false;
	for (size_t i = 0; *do_protected[i]; i++)
		if (is_spelt_below(do_protected[i], path))
			return true;
	return S_ISLNK(mode) && is_in_git(path);
}

static bool is_protected(const char *path)
{
	for (size_t i = 0; *do_protected[i]; i++)
		if (is_spelt_below(path, do_protected[i]))
			return true;
	return is_in_git(path) && has_part_of_git(path + strlen(".git/"));
}

/* What makes git take a directory for a bare repository. */
static bool is_part_of_git(const char *name)
{
	static const char *const names[] = { "HEAD", "commondir", "objects", "refs" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static int compare_spelt(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* The parts of repositories that the changes create, sorted for a lookup by name: a program can
 * create any number. */
static void find_git_parts(struct arena *arena, const struct layer_changes *changes,
			   struct do_texts *ret)
{
	const char **v = arena_array(arena, changes->n + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < changes->n; i++)
		if (changes->v[i].what != LAYER_DELETED &&
		    is_part_of_git(path_base(changes->v[i].name)))
			v[n++] = layer_text_path(arena, &changes->v[i]);
	if (n)
		qsort(v, n, sizeof(*v), compare_spelt);
	*ret = (struct do_texts){ v, n };
}

static bool has_git_part(const struct do_texts *made, const char *dir, const char *name)
{
	char path[PATH_MAX + sizeof("/commondir")];
	const char *key = path;
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return (made->n && bsearch(&key, made->v, made->n, sizeof(*made->v), compare_spelt)) ||
	       lstat(path, &st) == 0;
}

/* The state after the changes are applied. */
static bool will_be_git(const struct do_texts *made, const char *dir)
{
	return has_git_part(made, dir, "HEAD") &&
	       (has_git_part(made, dir, "commondir") ||
		(has_git_part(made, dir, "objects") && has_git_part(made, dir, "refs")));
}

/* In a repository without .git, such as a bare one, that exists or that the changes create. */
static bool is_guarded_bare(const struct do_texts *made, const char *path, uint32_t mode)
{
	char dir[PATH_MAX], name[PATH_MAX];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		int n = snprintf(name, sizeof(name), ".git%s", slash);

		if (n < 0 || (size_t)n >= sizeof(name) || slash == path ||
		    !(is_protected(name) || leads_elsewhere(name, mode)))
			continue;
		(void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
		if (will_be_git(made, dir))
			return true;
	}
	return false;
}

/* At any depth: the same files are protected in a repository within a repository, and where the
 * layer lies on git's own directory. */
static bool is_guarded(const void *data, const char *path, size_t prefix, uint32_t mode)
{
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (((size_t)(at - path) >= prefix || is_spelt_below(at, ".git")) &&
		    (is_protected(at) || leads_elsewhere(at, mode)))
			return true;
	}
	return is_guarded_bare(data, path, mode);
}

/* Does not cover the contents of an explicitly named directory. */
static void tell_left(struct arena *arena, const struct layer_changes *left, const char *why)
{
	const char *last = NULL;

	for (size_t i = 0; i < left->n; i++) {
		const char *path = layer_text_path(arena, &left->v[i]);
		_cleanup_str_ struct str name = { 0 };

		if (last && path_is_below(path, last))
			continue;
		last = path;
		layer_text_name(&name, path);
		log_notice("not applied: %s: %s", str_text(&name), why);
	}
}

static int find_choice(struct arena *arena, const char *const *paths, size_t n,
		       struct layer_choice *ret, struct err *err)
{
	const char **v = arena_array(arena, n + 1, sizeof(*v));
	char cwd[PATH_MAX];

	if (n && !getcwd(cwd, sizeof(cwd)))
		return err_errno(err, errno, "find the current directory");
	for (size_t i = 0; i < n; i++)
		v[i] = path_clean(arena, path_join(arena, cwd, paths[i]));
	*ret = (struct layer_choice){ .paths = v, .n = n, .guarded = is_guarded };
	return 0;
}

/* A typo must not look like a change that was applied before. */
static bool tell_missing(struct arena *arena, const struct layer_changes *changes,
			 const struct layer_choice *choice)
{
	bool missing = false;

	for (size_t i = 0; i < choice->n; i++) {
		const char *named = choice->paths[i];
		struct stat st;
		size_t k = 0;

		while (k < changes->n &&
		       !path_is_below(layer_text_path(arena, &changes->v[k]), named))
			k++;
		if (k < changes->n || lstat(named, &st) == 0)
			continue;
		log_notice("not applied: %s: it is neither among the changes nor here", named);
		missing = true;
	}
	return missing;
}

static int apply(struct arena *arena, struct layer *layer, struct layer_choice *choice,
		 struct str *out, struct err *err)
{
	struct do_texts made = { 0 };
	struct layer_applied applied = { 0 };
	struct layer_changes changes = { 0 };
	bool missing = false;
	int r = layer_changes(arena, layer, &changes, err);

	choice->data = &made;
	if (r == 0)
		find_git_parts(arena, &changes, &made);
	if (r == 0)
		missing = tell_missing(arena, &changes, choice);
	if (r == 0)
		r = layer_apply(arena, layer, &changes, choice, &applied, err);
	if (applied.done.n || r == 0)
		layer_text(out, &applied.done);
	tell_left(arena, &applied.guarded,
		  "other programs would run it later; name it to apply it");
	tell_left(arena, &applied.newer, "it was changed here since; name it to replace it");
	tell_left(arena, &applied.foreign, "sockets and devices are not made");
	if (r < 0)
		return r;
	return missing || applied.guarded.n || applied.newer.n || applied.foreign.n ? 1 : 0;
}

int do_layer_apply(struct arena *arena, const char *dir, const char *const *paths, size_t n,
		   const char *changes, struct err *err)
{
	_cleanup_str_ struct str out = { 0 };
	struct layer_choice choice = { 0 };
	const struct listing listing = { .how = changes, .choice = &choice };
	struct layer layer;
	struct err later;
	int r = find_choice(arena, paths, n, &choice, err), printed;

	if (r == 0)
		r = layer_open(arena, dir, 0, &layer, err);
	if (r < 0)
		return r;
	do_patience_begin(changes ? LISTING : "usrun: applying the changes ...\n");
	r = do_ids_enter(arena, &layer, err);
	if (r == 0)
		r = changes ? list(arena, &layer, &listing, &out, err)
			    : apply(arena, &layer, &choice, &out, err);
	do_patience_end();
	layer_close(&layer);
	printed = common_print_text(&out, r < 0 ? &later : err);
	return r < 0 || printed == 0 ? r : printed;
}
