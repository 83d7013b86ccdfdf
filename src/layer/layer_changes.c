/* SPDX-License-Identifier: Apache-2.0 */
/* Compares a layer with what it lies on. An upper directory has what was created, changed or copied
 * up. A removed file is a device 0:0 there, and a directory that replaced another has an attribute;
 * fuse-overlayfs marks both with files whose names begin with .wh., which no program can create.
 * Opening a file for writing copies it up, so its contents tell, not its presence; and programs can
 * set times. */
#include "src/base/fd.h"
#include "src/layer/layer.h"
#include "src/layer/layer_serve.h"
#include "src/layer/layer_standins.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Each level takes two descriptors, and a program can nest as deeply as it likes. */
#define MARK ".wh."

enum { MAX_DEPTH = 200, CHUNK = 1 << 16, BELOW = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

struct reader {
	struct arena *arena;
	struct layer_changes *changes;
	const struct layer_part *part;
	const char *prefix; /* of the kernel's attribute names */
	bool served;        /* was used by fuse-overlayfs */
	struct layer_standins standins;
	struct layer_hidden hidden;
	char *chunks; /* two */
	struct err *err;
};

static int failed(const struct reader *r, int error, const char *name)
{
	return err_errno(r->err, error, "read the changes to %s/%s", r->part->lower, name);
}

/* Whether an error says that something is not there, or can have no name or no contents there. With
 * squashed owners, nothing is said about files that nobody could see. */
static bool is_absent(const struct reader *r, int error)
{
	return error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG ||
	       (error == EACCES && r->part->squash.v);
}

/* What the layer lies on: 1: it is there, 0: it is not, or -errno, with a text. */
static int stat_lower(const struct reader *r, int lower, const char *base, const char *name,
		      struct stat *ret)
{
	if (lower < 0)
		return 0;
	if (fstatat(lower, base, ret, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return is_absent(r, errno) ? 0 : failed(r, errno, name);
}

static struct layer_side side_of(const struct stat *st)
{
	return st ? (struct layer_side){ st->st_mode, (uint64_t)st->st_size, st->st_ctim,
					 st->st_ino }
		  : (struct layer_side){ 0 };
}

static void add(struct reader *r, enum layer_what what, const char *name, const struct stat *now,
		const struct stat *was)
{
	struct layer_changes *c = r->changes;

	c->v = arena_room(r->arena, c->v, c->n, &c->cap, sizeof(*c->v));
	c->v[c->n++] = (struct layer_change){ what, r->part, name, side_of(now), side_of(was) };
}

static ssize_t read_chunk(int fd, char *chunk)
{
	size_t len = 0;

	while (len < CHUNK) {
		ssize_t n = read(fd, chunk + len, CHUNK - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int open_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		fd_closep(&fd);
	return fd;
}

/* A file that cannot be read counts as different. */
static bool same_contents(const struct reader *r, int upper, int lower, const char *name)
{
	_cleanup_close_ int a = open_file(upper, name), b = open_file(lower, name);
	ssize_t n;

	if (a < 0 || b < 0)
		return false;
	do {
		n = read_chunk(a, r->chunks);
		if (n < 0 || read_chunk(b, r->chunks + CHUNK) != n ||
		    memcmp(r->chunks, r->chunks + CHUNK, (size_t)n) != 0)
			return false;
	} while (n == CHUNK);
	return true;
}

static bool same_link(const struct reader *r, int upper, int lower, const char *name)
{
	ssize_t n = readlinkat(upper, name, r->chunks, CHUNK);

	return n >= 0 && readlinkat(lower, name, r->chunks + CHUNK, CHUNK) == n &&
	       memcmp(r->chunks, r->chunks + CHUNK, (size_t)n) == 0;
}

static bool same_owner(const struct stat *a, const struct stat *b)
{
	return a->st_uid == b->st_uid && a->st_gid == b->st_gid;
}

static bool same_time(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void compare_entry(struct reader *r, int upper, int lower, const char *base,
			  const char *name, const struct stat *now, const struct stat *was)
{
	bool link = S_ISLNK(now->st_mode), file = S_ISREG(now->st_mode);

	if ((now->st_mode ^ was->st_mode) & S_IFMT)
		add(r, LAYER_RETYPED, name, now, was);
	else if (((file || link) && now->st_size != was->st_size) ||
		 (file && !same_contents(r, upper, lower, base)) ||
		 (link && !same_link(r, upper, lower, base)))
		add(r, LAYER_MODIFIED, name, now, was);
	else if (now->st_mode != was->st_mode || (!r->part->squash.v && !same_owner(now, was)) ||
		 (!S_ISDIR(now->st_mode) && !same_time(now, was)))
		add(r, LAYER_TOUCHED, name, now, was);
}

/* 1: it has this value, or any if that is NULL, 0: it has not, or -errno. */
static int has_attribute(int dir, const char *name, const char *value)
{
	char buf[8];
	ssize_t n = fgetxattr(dir, name, buf, sizeof(buf));

	if (n < 0 && errno == ERANGE)
		return !value;
	if (n < 0)
		return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
	return !value || (n == (ssize_t)strlen(value) && memcmp(buf, value, (size_t)n) == 0);
}

static int has_kernels(const struct reader *r, int dir, const char *name, const char *value)
{
	char full[64];

	(void)snprintf(full, sizeof(full), "%s%s", r->prefix, name);
	return has_attribute(dir, full, value);
}

static int walk(struct reader *r, int upper, int lower, const char *name, unsigned int depth);

/* Compares a directory of the layer, which is merged with the one below or replaces what was
 * there. */
static int look_at_dir(struct reader *r, int upper, int lower, const char *base, const char *name,
		       unsigned int depth)
{
	mode_t mode;
	_cleanup_close_ int dir = layer_open_dir(upper, base, &mode);
	_cleanup_close_ int below = lower < 0 ? -1 : openat(lower, base, BELOW);
	bool known = lower < 0 || below >= 0 || is_absent(r, errno);
	int error = !known               ? failed(r, errno, name)
		    : depth == MAX_DEPTH ? failed(r, ELOOP, name)
		    : dir < 0            ? failed(r, -dir, name)
					 : walk(r, dir, below, name, depth + 1);

	/* Restores the program's mode, so that no change is made here. */
	if (mode && dir >= 0)
		(void)fchmod(dir, mode & 07777);
	return error;
}

/* Interprets a name that marks another one, or the directory itself. */
static int look_at_mark(struct reader *r, int lower, const char *base, const char *name)
{
	size_t len = strlen(name) - strlen(base);
	const char *gone = base + strlen(MARK);
	struct stat was;
	int there;

	if (!*gone || str_starts(gone, MARK) || str_equal(gone, ".opq"))
		return 0;
	there = stat_lower(r, lower, gone, name, &was);
	if (there <= 0)
		return there;
	add(r, LAYER_DELETED, arena_strf(r->arena, "%.*s%s", (int)len, name, gone), NULL, &was);
	return 0;
}

static int look_at(struct reader *r, int upper, int lower, const char *base, const char *name,
		   unsigned int depth)
{
	struct stat now, below, *was = &below;
	int there;

	if (layer_standins_hides(&r->hidden, name, false))
		return 0;
	if (r->served && str_starts(base, MARK))
		return look_at_mark(r, lower, base, name);
	if (fstatat(upper, base, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(r, errno, name);
	there = stat_lower(r, lower, base, name, &below);
	if (there < 0)
		return there;
	if (!there)
		was = NULL;
	if (S_ISCHR(now.st_mode) && now.st_rdev == makedev(0, 0)) {
		if (was)
			add(r, LAYER_DELETED, name, NULL, was);
		return 0;
	}
	if (layer_standins_has(&r->standins, name, &now))
		return S_ISDIR(now.st_mode) ? look_at_dir(r, upper, -1, base, name, depth) : 0;
	if (was)
		compare_entry(r, upper, lower, base, name, &now, was);
	else
		add(r, LAYER_ADDED, name, &now, NULL);
	return S_ISDIR(now.st_mode) ? look_at_dir(r, upper, lower, base, name, depth) : 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has_name(const char *const *names, size_t n, const char *name)
{
	return n && bsearch(&name, names, n, sizeof(*names), compare_names);
}

/* Whether a directory replaces another, and hides its contents: 1, 0 or -errno. */
static int is_opaque(const struct reader *r, int dir)
{
	if (!r->served)
		return has_kernels(r, dir, "opaque", "y");
	if (faccessat(dir, MARK MARK ".opq", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? has_attribute(dir, "user.fuseoverlayfs.opaque", "y") : -errno;
}

/* Adds what the replaced directory had, and the new one does not have. */
static int add_hidden(struct reader *r, int lower, const char *name, const char *const *kept,
		      size_t n_kept)
{
	int again = openat(lower, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *const *names;
	struct stat was;
	size_t n;
	int error = again < 0 ? -errno : layer_list(r->arena, again, &names, &n);

	/* Report nothing about files that nobody could see. */
	if (error == -EACCES && r->part->squash.v)
		return 0;
	if (error < 0)
		return failed(r, -error, name);
	for (size_t i = 0; error == 0 && i < n; i++) {
		const char *path = *name ? arena_strf(r->arena, "%s/%s", name, names[i]) : names[i];

		if (has_name(kept, n_kept, names[i]))
			continue;
		error = stat_lower(r, lower, names[i], path, &was);
		if (error > 0)
			add(r, LAYER_DELETED, path, NULL, &was);
		error = error < 0 ? error : 0;
	}
	return error;
}

static int walk(struct reader *r, int upper, int lower, const char *name, unsigned int depth)
{
	const char *const *names;
	size_t n;
	int again = openat(upper, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = again < 0 ? -errno : layer_list(r->arena, again, &names, &n);
	int redirect = error < 0 ? error : has_kernels(r, upper, "redirect", NULL);
	int opaque = redirect < 0 || lower < 0 ? redirect : is_opaque(r, upper);

	if (redirect < 0 || opaque < 0)
		return failed(r, redirect < 0 ? -redirect : -opaque, name);
	/* Our overlays create no redirects: another overlay has used the directory. */
	if (redirect)
		return err_set(r->err, EINVAL,
			       "%s/%s was renamed in the layer by another program than usrun",
			       r->part->lower, name);
	if (lower >= 0 && opaque)
		error = add_hidden(r, lower, name, names, n);
	for (size_t i = 0; error == 0 && i < n; i++)
		error = look_at(r, upper, lower, names[i],
				*name ? arena_strf(r->arena, "%s/%s", name, names[i]) : names[i],
				depth);
	return error;
}

/* Drops changes to hidden files: removing an empty stand-in does not remove the real one. */
static void leave_out_hidden(struct reader *r, size_t from)
{
	struct layer_changes *c = r->changes;
	size_t kept = from;

	for (size_t i = from; i < c->n; i++) {
		bool removed = c->v[i].what == LAYER_DELETED || c->v[i].what == LAYER_RETYPED;

		if (!layer_standins_hides(&r->hidden, c->v[i].name, removed))
			c->v[kept++] = c->v[i];
	}
	c->n = kept;
}

static int compare_part(struct reader *r, int top, int lower)
{
	_cleanup_close_ int upper = -1;
	struct stat now, was;
	mode_t mode;
	int error;

	if (lower >= 0 && fstat(top, &now) == 0 && fstat(lower, &was) == 0 &&
	    now.st_mode != was.st_mode)
		add(r, LAYER_TOUCHED, "", &now, &was);
	upper = layer_open_dir(top, ".", &mode);
	if (upper < 0)
		return failed(r, -upper, "");
	error = walk(r, upper, lower, "", 0);
	if (mode)
		(void)fchmod(upper, mode & 07777);
	return error;
}

static int read_part(struct reader *r, const struct layer *layer)
{
	_cleanup_close_ int part = -1, lower = -1, top = layer_open_upper(layer, r->part, r->err);
	int error = top < 0 ? top : layer_open_lower(r->part, &lower, r->err);
	size_t from = r->changes->n;

	if (error < 0)
		return error;
	part = openat(top, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (part < 0)
		return failed(r, errno, "");
	error = layer_standins_read(r->arena, part, &r->standins, r->err);
	if (error == 0)
		error = layer_standins_hidden(r->arena, part, &r->hidden, r->err);
	if (error == 0)
		error = compare_part(r, top, lower);
	leave_out_hidden(r, from);
	return error;
}

/* If the mount was refused there is no upper directory. 1, 0 or -errno. */
static int has(const struct reader *r, const struct layer *layer, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%u/%s", (unsigned int)r->part->number.v, name);
	if (faccessat(layer->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : failed(r, errno, "");
}

int layer_changes(struct arena *arena, const struct layer *layer, struct layer_changes *ret,
		  struct err *err)
{
	struct reader r = {
		.arena = arena,
		.changes = ret,
		.prefix = layer->kind == LAYER_TRUSTED ? "trusted.overlay." : "user.overlay.",
		.chunks = arena_alloc(arena, 2 * CHUNK),
		.err = err,
	};
	int error = 0;

	*ret = (struct layer_changes){ 0 };
	for (size_t i = 0; error == 0 && i < layer->parts.n; i++) {
		r.part = &layer->parts.v[i];
		error = has(&r, layer, LAYER_SERVE_WORK);
		r.served = error > 0;
		if (error >= 0)
			error = has(&r, layer, "upper");
		if (error > 0)
			error = read_part(&r, layer);
	}
	return error;
}
