/* SPDX-License-Identifier: Apache-2.0 */
/* Changes go to where they belong by descriptors, component by component, through no link and to no
 * other mount, of which the layer has seen nothing: below, a program that still runs may have put
 * links in place of directories. A file takes another's place by rename(2), whole or not at all. */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/path.h"
#include "src/layer/layer.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 200, CHUNK = 1 << 16, PLACE = O_PATH | O_DIRECTORY };

struct job { /* one change */
	struct arena *arena;
	const struct layer_change *change;
	int upper, lower;   /* of the part */
	int from, to;       /* the directories that have it */
	const char *name;   /* in them */
	char temporary[32]; /* such as no program can have made */
	struct stat st;     /* in the layer */
};

static int copy_range(int from, int to, off_t at, off_t end)
{
	char chunk[CHUNK];

	if (lseek(to, at, SEEK_SET) < 0)
		return -errno;
	while (at < end) {
		ssize_t n = pread(from, chunk, (size_t)(end - at < CHUNK ? end - at : CHUNK), at);
		int r = n < 0 ? -errno : io_write_all(to, chunk, (size_t)n);

		if (n == 0 || (r < 0 && r != -EINTR))
			return r;
		at += n > 0 ? n : 0;
	}
	return 0;
}

/* A program can make a file of any size that has nothing in it: holes stay holes. */
static int copy_contents(int from, int to, off_t size)
{
	off_t at = 0, end;

	while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
		int r;

		end = lseek(from, at, SEEK_HOLE);
		r = end < 0 ? -errno : copy_range(from, to, at, end);
		if (r < 0)
			return r;
		at = end;
	}
	if (errno != ENXIO) /* the end */
		return -errno;
	return ftruncate(to, size) < 0 ? -errno : 0;
}

/* Not with the bits that give a program the rights of the file's owner: whoever looked at the list
 * has not seen what it does. */
static mode_t mode_of(const struct stat *st)
{
	return st->st_mode & (S_ISDIR(st->st_mode) ? 03777 : 0777);
}

static int set_times(const struct job *job, const char *name)
{
	const struct timespec times[2] = { job->st.st_atim, job->st.st_mtim };

	return utimensat(job->to, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int make_file(const struct job *job)
{
	_cleanup_close_ int from =
		openat(job->from, job->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_close_ int to = -1;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	to = openat(job->to, job->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (to < 0)
		return -errno;
	r = copy_contents(from, to, st.st_size);
	if (r == 0 && fchmod(to, mode_of(&st)) < 0)
		r = -errno;
	return r;
}

static int make_link(const struct job *job)
{
	char target[4096];
	ssize_t n = readlinkat(job->from, job->name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlinkat(target, job->to, job->temporary) < 0 ? -errno : 0;
}

static int make_fifo(const struct job *job)
{
	if (mkfifoat(job->to, job->temporary, 0600) < 0)
		return -errno;
	/* Now, for the umask. */
	return fchmodat(job->to, job->temporary, mode_of(&job->st), 0) < 0 ? -errno : 0;
}

/* Where the owners in the layer say nothing what is there keeps its group, as far as its user may
 * give it, and what is new has that of its directory. */
static int keep_group(const struct job *job, const char *name, const struct stat *st)
{
	struct stat old;

	if (fstatat(job->to, job->name, &old, AT_SYMLINK_NOFOLLOW) < 0 || old.st_gid == st->st_gid)
		return 0;
	return fchownat(job->to, name, (uid_t)-1, old.st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
			       errno != EPERM
		       ? -errno
		       : 0;
}

static int set_owner(const struct job *job, const char *name)
{
	struct stat st;

	if (fstatat(job->to, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (job->change->part->squash.v)
		return keep_group(job, name, &st);
	if (st.st_uid == job->st.st_uid && st.st_gid == job->st.st_gid)
		return 0;
	return fchownat(job->to, name, job->st.st_uid, job->st.st_gid, AT_SYMLINK_NOFOLLOW) < 0
		       ? -errno
		       : 0;
}

/* What has come to be there since the list was made stays. */
static int settle(const struct job *job, bool over)
{
	int r = set_owner(job, job->temporary);

	if (r == 0)
		r = set_times(job, job->temporary);
	if (r == 0 && over && renameat(job->to, job->temporary, job->to, job->name) == 0)
		return 0;
	if (r == 0 && (over || linkat(job->to, job->temporary, job->to, job->name, 0) < 0))
		r = -errno;
	(void)unlinkat(job->to, job->temporary, 0);
	return r;
}

static int make(const struct job *job, bool over)
{
	mode_t kind = job->st.st_mode & S_IFMT;
	int r;

	if (kind == S_IFDIR) {
		if (mkdirat(job->to, job->name, mode_of(&job->st) | 0700) == 0)
			return set_owner(job, job->name);
		return errno == EEXIST && !over ? -EEXIST : -errno;
	}
	r = kind == S_IFREG   ? make_file(job)
	    : kind == S_IFLNK ? make_link(job)
	    : kind == S_IFIFO ? make_fifo(job)
			      : -EOPNOTSUPP;
	if (r == 0)
		return settle(job, over);
	(void)unlinkat(job->to, job->temporary, 0);
	return r;
}

static int touch(const struct job *job)
{
	const char *name = *job->name ? job->name : ".";
	_cleanup_close_ int fd = resolve_on_mount(job->to, name, O_PATH | O_NOFOLLOW);
	struct stat st;
	int r;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_mode ^ job->st.st_mode) & S_IFMT)
		return -ESTALE;
	r = set_owner(job, name);
	if (r < 0)
		return r;
	if (!S_ISLNK(st.st_mode) && chmod(fd_path(fd).text, mode_of(&job->st)) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : set_times(job, name);
}

static int replace(const struct job *job)
{
	bool trees = S_ISDIR(job->change->was.mode) || S_ISDIR(job->st.st_mode);
	int r = trees ? layer_remove_tree(job->to, job->name) : 0;

	return r < 0 ? r : make(job, !trees);
}

static int act(const struct job *job)
{
	switch (job->change->what) {
	case LAYER_ADDED:
		return make(job, false);
	case LAYER_MODIFIED:
		return make(job, true);
	case LAYER_DELETED:
		return layer_remove_tree(job->to, job->name);
	case LAYER_RETYPED:
		return replace(job);
	case LAYER_TOUCHED:
		return touch(job);
	}
	return 0;
}

static int failed(const struct job *job, int r, struct err *err)
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

/* Opens what the change is in, in the layer and below it. */
static int run_job(struct job *job, struct err *err)
{
	const char *path = job->change->name, *slash = strrchr(path, '/');
	const char *dir = slash ? arena_strndup(job->arena, path, (size_t)(slash - path)) : ".";
	_cleanup_close_ int from = -1, to = resolve_on_mount(job->lower, dir, PLACE);
	int r = to < 0 ? to : 0;

	job->name = slash ? slash + 1 : path;
	io_random_name("usrun-apply", job->temporary, sizeof(job->temporary));
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
	if (r == 0)
		r = act(job);
	return r < 0 ? failed(job, r, err) : 0;
}

/* 0: not chosen. 1: with what is below it, or among all. 2: for what is below it alone. */
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

	return choice->guarded && choice->guarded(path, prefix, change->now.mode);
}

/* Whether a path names it itself, or something in the guarded directory that has it. */
static bool is_named(const struct layer_choice *choice, const char *path,
		     const struct layer_change *change)
{
	size_t prefix = strlen(path) - strlen(change->name);

	for (size_t i = 0; i < choice->n; i++) {
		const char *named = choice->paths[i];
		uint32_t mode = str_equal(named, path) ? change->now.mode : S_IFDIR;

		if (path_is_below(path, named) && strlen(named) > prefix &&
		    choice->guarded(named, prefix, mode))
			return true;
	}
	return false;
}

static void note(struct arena *arena, struct layer_changes *list, const struct layer_change *change)
{
	list->v = arena_room(arena, list->v, list->n, &list->cap, sizeof(*list->v));
	list->v[list->n++] = *change;
}

static bool is_after(const struct timespec *t, const struct layer_part *part)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec > part->since.v;
}

/* Whether something in a directory that is to be removed has changed; what cannot be seen has. */
static bool has_newer(struct arena *arena, int dir, const char *name, const struct layer_part *part,
		      unsigned int depth)
{
	_cleanup_close_ int fd = resolve_on_mount(dir, name, O_RDONLY | O_DIRECTORY);
	_cleanup_close_ int again = fd < 0 ? -1 : resolve_on_mount(fd, ".", PLACE);
	const char *const *names;
	struct stat st;
	size_t n;

	if (fd < 0 || depth == MAX_DEPTH || layer_list(arena, fd_take(&fd), &names, &n) < 0)
		return true;
	for (size_t i = 0; i < n; i++)
		if (fstatat(again, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    is_after(&st.st_ctim, part) ||
		    (S_ISDIR(st.st_mode) && has_newer(arena, again, names[i], part, depth + 1)))
			return true;
	return false;
}

static bool is_newer(const struct job *job)
{
	const struct layer_change *c = job->change;

	if (c->what == LAYER_ADDED)
		return false;
	if (!S_ISDIR(c->was.mode))
		return is_after(&c->was.changed, c->part);
	if (c->what == LAYER_TOUCHED)
		return false;
	return is_after(&c->was.changed, c->part) ||
	       has_newer(job->arena, job->lower, c->name, c->part, 0);
}

/* A program must not end it all with a socket. */
static bool can_make(const struct layer_change *c)
{
	return c->what == LAYER_DELETED || c->what == LAYER_TOUCHED || S_ISREG(c->now.mode) ||
	       S_ISDIR(c->now.mode) || S_ISLNK(c->now.mode) || S_ISFIFO(c->now.mode);
}

static int apply_one(struct job *job, const struct layer_choice *choice, struct layer_applied *ret,
		     struct err *err)
{
	const char *path = layer_text_path(job->arena, job->change);
	int r = chosen(choice, path, job->change);

	if (!r)
		return 0;
	/* One that is made for what is named below it may be guarded: so is what is named. */
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
	/* For what is below it: there already. */
	if (r == -EEXIST && S_ISDIR(job->change->now.mode)) {
		*err = (struct err){ 0 };
		r = 0;
	}
	if (r == 0)
		note(job->arena, &ret->done, job->change);
	return r;
}

/* Files were still to be made in new directories, which takes modes that they may not have. */
static void finish_directories(const struct layer_part *part, int lower,
			       const struct layer_changes *done)
{
	for (size_t i = done->n; i > 0; i--) {
		const struct layer_change *c = &done->v[i - 1];
		_cleanup_close_ int dir = -1;

		if (c->part != part || !S_ISDIR(c->now.mode) || c->what == LAYER_TOUCHED)
			continue;
		dir = resolve_on_mount(lower, c->name, PLACE);
		if (dir >= 0)
			(void)chmod(fd_path(dir).text, c->now.mode & 03777);
	}
}

static int apply_part(struct arena *arena, struct layer *layer, const struct layer_part *part,
		      const struct layer_changes *changes, const struct layer_choice *choice,
		      struct layer_applied *ret, struct err *err)
{
	_cleanup_close_ int lower = -1, upper = layer_open_upper(layer, part, err);
	int r = upper < 0 ? upper : layer_open_lower(part, &lower, err);

	for (size_t i = 0; r == 0 && i < changes->n; i++) {
		struct job job = {
			.arena = arena, .change = &changes->v[i], .upper = upper, .lower = lower
		};

		if (job.change->part == part)
			r = apply_one(&job, choice, ret, err);
	}
	if (r == 0)
		finish_directories(part, lower, &ret->done);
	return r;
}

int layer_apply(struct arena *arena, struct layer *layer, const struct layer_changes *changes,
		const struct layer_choice *choice, struct layer_applied *ret, struct err *err)
{
	int r = 0;

	*ret = (struct layer_applied){ 0 };
	for (size_t i = 0; r == 0 && i < layer->parts.n; i++) {
		const struct layer_part *part = &layer->parts.v[i];
		bool some = false;

		for (size_t k = 0; k < changes->n; k++)
			some |= changes->v[k].part == part;
		if (some && !part->empty.v)
			r = apply_part(arena, layer, part, changes, choice, ret, err);
	}
	if (r == 0 && !choice->n && !ret->newer.n) {
		layer_seen(layer);
		r = layer_write(layer, err);
	}
	return r;
}
