/* SPDX-License-Identifier: Apache-2.0 */
/* Changes are applied by descriptors, component by component, through no link and to no other
 * mount, of which the layer has seen nothing: a program that still runs may have replaced
 * directories by links. rename(2) puts a file in place whole or not at all. Where the file system
 * allows, a file has no name until it is complete, and then one that the next call recognizes,
 * should this one be killed. */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/path.h"
#include "src/layer/layer_make.h"
#include "src/layer/layer_record.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 200, PLACE = O_PATH | O_DIRECTORY };

static int failed(const struct layer_job *job, int r, struct err *err)
{
	(void)err_errno(err, -r, "apply the change of %s",
			layer_text_path(job->arena, job->change));
	if (r == -EACCES || r == -EPERM)
		return err_hint(err, "this needs permission to write there; a directory of the "
				     "layer without mode bits cannot be read");
	if (r == -ELOOP || r == -ENOTDIR)
		return err_hint(err, "a symbolic link has replaced a directory");
	if (r == -EXDEV)
		return err_hint(err, "something has been mounted there");
	return r;
}

static bool is_after(const struct timespec *t, const struct layer_part *part)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec > part->since.v;
}

/* Whether somebody changed the file here after the layer was created or last applied. */
static bool is_changed(const struct layer_job *job, uint64_t inode, const struct timespec *changed)
{
	return is_after(changed, job->change->part) &&
	       !layer_record_has(job->records, job->change->part, inode, changed);
}

/* Records that its contents are what this call made of them; the same for the directory, unless
 * somebody else changed it. */
static void note_made(const struct layer_job *job, bool own_dir)
{
	struct stat st;

	if (own_dir && fstat(job->to, &st) == 0)
		layer_record_note(job->arena, job->records, job->change->part, &st);
	if (fstatat(job->to, *job->name ? job->name : ".", &st, AT_SYMLINK_NOFOLLOW) == 0)
		layer_record_note(job->arena, job->records, job->change->part, &st);
}

static bool is_own_dir(const struct layer_job *job)
{
	struct stat st;

	if (fstat(job->to, &st) < 0)
		return false;
	return !is_changed(job, st.st_ino, &st.st_ctim) || st.st_ctim.tv_sec > job->begun->tv_sec ||
	       (st.st_ctim.tv_sec == job->begun->tv_sec &&
		st.st_ctim.tv_nsec >= job->begun->tv_nsec);
}

/* Opens the change's parent directories in the layer and on the host. */
static int run_job(struct layer_job *job, struct err *err)
{
	const char *path = job->change->name, *slash = strrchr(path, '/');
	const char *dir = slash ? arena_strndup(job->arena, path, (size_t)(slash - path)) : ".";
	_cleanup_close_ int from = -1, to = resolve_on_mount(job->lower, dir, PLACE);
	int r = to < 0 ? to : 0;
	bool own_dir;

	job->name = slash ? slash + 1 : path;
	if (r == 0 && job->change->what != LAYER_DELETED) {
		from = resolve_on_mount(job->upper, dir, PLACE);
		r = from;
		if (r >= 0)
			r = fstatat(from, *job->name ? job->name : ".", &job->st,
				    AT_SYMLINK_NOFOLLOW) < 0
				    ? -errno
				    : 0;
	}
	job->from = from;
	job->to = to;
	own_dir = r == 0 && is_own_dir(job);
	if (r == 0)
		r = layer_make(job);
	if (r == 0)
		note_made(job, own_dir);
	return r < 0 ? failed(job, r, err) : 0;
}

/* 0: not chosen. 1: chosen itself, or with a directory above it, or because all are. 2: only for
 * something below it. */
static int chosen(const struct layer_choice *choice, const char *path,
		  const struct layer_change *change)
{
	bool above = false;

	for (size_t i = 0; i < choice->n; i++) {
		if (path_is_below(path, choice->paths[i]))
			return 1;
		above |= path_is_below(choice->paths[i], path);
	}
	if (!choice->n)
		return 1;
	return above && change->what == LAYER_ADDED && S_ISDIR(change->now.mode) ? 2 : 0;
}

static bool is_guarded(const struct layer_choice *choice, const char *path,
		       const struct layer_change *change)
{
	size_t prefix = strlen(path) - strlen(change->name);

	return choice->guarded && choice->guarded(choice->data, path, prefix, change->now.mode);
}

/* Whether one of the chosen paths names it, or something in the guarded directory that contains
 * it. */
static bool is_named(const struct layer_choice *choice, const char *path,
		     const struct layer_change *change)
{
	size_t prefix = strlen(path) - strlen(change->name);

	for (size_t i = 0; i < choice->n; i++) {
		const char *named = choice->paths[i];
		uint32_t mode = str_equal(named, path) ? change->now.mode : S_IFDIR;

		if (path_is_below(path, named) && strlen(named) > prefix &&
		    choice->guarded(choice->data, named, prefix, mode))
			return true;
	}
	return false;
}

static struct layer_change as_made(const struct layer_change *change)
{
	struct layer_change made = *change;

	made.now.mode = (made.now.mode & S_IFMT) | layer_make_mode(made.now.mode);
	return made;
}

static void note(struct arena *arena, struct layer_changes *list, const struct layer_change *change)
{
	list->v = arena_room(arena, list->v, list->n, &list->cap, sizeof(*list->v));
	list->v[list->n++] = *change;
}

/* Whether anything in a directory to be removed has changed since; what cannot be read counts as
 * changed. */
static bool has_newer(const struct layer_job *job, int dir, const char *name, unsigned int depth)
{
	_cleanup_close_ int fd = resolve_on_mount(dir, name, O_RDONLY | O_DIRECTORY);
	_cleanup_close_ int again = fd < 0 ? -1 : resolve_on_mount(fd, ".", PLACE);
	const char *const *names;
	struct stat st;
	size_t n;

	if (fd < 0 || depth == MAX_DEPTH || layer_list(job->arena, fd_take(&fd), &names, &n) < 0)
		return true;
	for (size_t i = 0; i < n; i++)
		if (fstatat(again, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    is_changed(job, st.st_ino, &st.st_ctim) ||
		    (S_ISDIR(st.st_mode) && has_newer(job, again, names[i], depth + 1)))
			return true;
	return false;
}

static bool is_newer(const struct layer_job *job)
{
	const struct layer_change *c = job->change;
	bool changed = is_changed(job, c->was.inode, &c->was.changed);

	if (c->what == LAYER_ADDED)
		return false;
	if (!S_ISDIR(c->was.mode))
		return changed;
	if (c->what == LAYER_TOUCHED)
		return false;
	return changed || has_newer(job, job->lower, c->name, 0);
}

/* Sockets and devices are not created: one of them must not stop everything else. */
static bool can_make(const struct layer_change *c)
{
	return c->what == LAYER_DELETED || c->what == LAYER_TOUCHED || S_ISREG(c->now.mode) ||
	       S_ISDIR(c->now.mode) || S_ISLNK(c->now.mode) || S_ISFIFO(c->now.mode);
}

static int apply_one(struct layer_job *job, const struct layer_choice *choice,
		     struct layer_applied *ret, struct err *err)
{
	const char *path = layer_text_path(job->arena, job->change);
	int r = chosen(choice, path, job->change);

	if (!r)
		return 0;
	/* A directory created only for a chosen path below it may be guarded: that path is guarded,
	 * too, and was named. */
	if (r == 1 && is_guarded(choice, path, job->change) &&
	    !is_named(choice, path, job->change)) {
		note(job->arena, &ret->guarded, job->change);
		return 0;
	}
	if (!choice->n && is_newer(job)) {
		note(job->arena, &ret->newer, job->change);
		return 0;
	}
	if (!can_make(job->change)) {
		note(job->arena, &ret->foreign, job->change);
		return 0;
	}
	r = run_job(job, err);
	/* Applied only for what is below it, so it may exist already. */
	if (r == -EEXIST && S_ISDIR(job->change->now.mode)) {
		*err = (struct err){ 0 };
		r = 0;
	}
	if (r == 0) {
		const struct layer_change made = as_made(job->change);

		note(job->arena, &ret->done, &made);
	}
	return r;
}

/* Sets modes last: files had to be created in new directories, whose modes may not allow that. */
static void finish_directories(struct arena *arena, const struct layer_part *part, int lower,
			       const struct layer_changes *done, struct layer_records *records)
{
	for (size_t i = done->n; i > 0; i--) {
		const struct layer_change *c = &done->v[i - 1];
		_cleanup_close_ int dir = -1;
		struct stat st;

		if (c->part != part || !S_ISDIR(c->now.mode) || c->what == LAYER_TOUCHED)
			continue;
		dir = resolve_on_mount(lower, c->name, PLACE);
		if (dir >= 0)
			(void)chmod(fd_path(dir).text, c->now.mode & 03777);
		if (dir >= 0 && fstat(dir, &st) == 0)
			layer_record_note(arena, records, part, &st);
	}
}

static int apply_part(const struct layer_job *like, struct layer *layer,
		      const struct layer_part *part, const struct layer_changes *changes,
		      const struct layer_choice *choice, struct layer_applied *ret, struct err *err)
{
	_cleanup_close_ int lower = -1, upper = layer_open_upper(layer, part, err);
	int r = upper < 0 ? upper : layer_open_lower(part, &lower, err);

	for (size_t i = 0; r == 0 && i < changes->n; i++) {
		struct layer_job job = *like;

		job.change = &changes->v[i];
		job.upper = upper;
		job.lower = lower;
		if (job.change->part == part)
			r = apply_one(&job, choice, ret, err);
	}
	if (r == 0)
		finish_directories(like->arena, part, lower, &ret->done, like->records);
	return r;
}

/* Makes a temporary name. Its key is on disk before any file gets such a name. */
static int find_temporary(struct layer *layer, struct layer_job *job, struct err *err)
{
	int r = 0;

	if (!layer->key.set) {
		if (getrandom(&layer->key.v, sizeof(layer->key.v), 0) < 0)
			return err_errno(err, errno, "choose a temporary name");
		layer->key.set = true;
		r = layer_write(layer, err);
	}
	(void)snprintf(job->temporary, sizeof(job->temporary), ".usrun-apply.%016llx",
		       (unsigned long long)layer->key.v);
	return r;
}

/* Keeps the records if part of the layer is left, or applying it failed half way. */
static int remember(struct layer *layer, struct layer_records *records, bool all, struct err *err)
{
	int r;

	if (!all)
		return layer_record_write(layer, records, err);
	layer_seen(layer);
	r = layer_write(layer, err);
	if (r == 0)
		r = layer_record_drop(layer);
	return r;
}

int layer_apply(struct arena *arena, struct layer *layer, const struct layer_changes *changes,
		const struct layer_choice *choice, struct layer_applied *ret, struct err *err)
{
	struct layer_records records;
	struct timespec begun;
	struct layer_job like = { .arena = arena, .records = &records, .begun = &begun };
	struct err later = { 0 };
	int r = layer_record_read(arena, layer, &records, err), kept;

	*ret = (struct layer_applied){ 0 };
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &begun); /* the clock of file times */
	if (r == 0)
		r = find_temporary(layer, &like, err);
	for (size_t i = 0; r == 0 && i < layer->parts.n; i++) {
		const struct layer_part *part = &layer->parts.v[i];
		bool some = false;

		for (size_t k = 0; k < changes->n; k++)
			some |= changes->v[k].part == part;
		if (some && !part->empty.v)
			r = apply_part(&like, layer, part, changes, choice, ret, err);
	}
	kept = remember(layer, &records, r == 0 && !choice->n && !ret->newer.n,
			r < 0 ? &later : err);
	return r < 0 ? r : kept;
}
