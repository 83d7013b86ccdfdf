/* SPDX-License-Identifier: Apache-2.0 */
#include "src/layer/layer_standins.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/base/text.h"
#include "src/layer/layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD "standins"
#define HIDDEN "hidden"
#define APT "etc/apt/apt.conf.d"

enum { MAX_RECORD = 1 << 20, MAX_DEPTH = 12, MAX_USERS = 1 << 20 };

/* Places where files that only root may read get in the way. */
static const char places[][20] = { "etc",           "var/lib/dpkg",      "var/lib/apt",
				   "var/cache/apt", "var/cache/debconf", "var/lib/rpm",
				   "var/lib/dnf",   "var/lib/pacman",    "var/log" };

struct maker {
	struct arena *arena;
	int lower, upper;
	struct str record;
	struct err *err;
};

static int failed(const struct maker *m, const char *name)
{
	return err_errno(m->err, errno, "create a stand-in for /%s", name);
}

static int note(struct maker *m, const char *name)
{
	struct stat st;

	if (fstatat(m->upper, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(m, name);
	str_addf(&m->record, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", (uint64_t)st.st_ino,
		 (uint64_t)st.st_size,
		 (uint64_t)st.st_ctim.tv_sec * 1000000000 + (uint64_t)st.st_ctim.tv_nsec, name);
	return 0;
}

/* Creates the parent directories of a name, like those below. */
static int make_parents(const struct maker *m, const char *name)
{
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *parent = arena_strndup(m->arena, name, (size_t)(slash - name));
		struct stat st;

		if (fstatat(m->lower, parent, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    (mkdirat(m->upper, parent, st.st_mode & 07777) < 0 && errno != EEXIST))
			return failed(m, parent);
	}
	return 0;
}

/* Creates a file. One that exists was left by a killed start, not by a program: none runs before
 * there is a record. */
static int create(const struct maker *m, const char *name, mode_t mode)
{
	(void)unlinkat(m->upper, name, 0);
	return openat(m->upper, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
}

static int make_file(struct maker *m, const char *name, mode_t mode, const char *text)
{
	_cleanup_close_ int fd = -1;
	int r = make_parents(m, name);

	if (r < 0)
		return r;
	fd = create(m, name, mode & 0777);
	if (fd < 0)
		return failed(m, name);
	r = io_write_all(fd, text, strlen(text));
	if (r < 0) {
		errno = -r;
		return failed(m, name);
	}
	return note(m, name);
}

/* The marker file tells fuse-overlayfs to show nothing of the lower directory. */
static int make_directory(struct maker *m, const char *name, mode_t mode)
{
	const char *mark = arena_strf(m->arena, "%s/.wh..wh..opq", name);
	_cleanup_close_ int fd = -1;
	int r = make_parents(m, name);

	if (r < 0)
		return r;
	if (mkdirat(m->upper, name, mode & 07777) < 0 && errno != EEXIST)
		return failed(m, name);
	fd = create(m, mark, 0600);
	return fd < 0 ? failed(m, name) : note(m, name);
}

/* A line for each user or group: its name, and the given rest. */
static const char *users(const struct maker *m, const char *file, const char *rest)
{
	_cleanup_str_ struct str out = { 0 };
	struct err ignored;
	char *text, *next, *line;

	if (io_read_file(m->lower, file, MAX_USERS, m->arena, &text, NULL, &ignored) < 0)
		return "";
	for (line = text; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		str_addf(&out, "%.*s%s\n", (int)strcspn(line, ":"), line, rest);
	}
	return arena_strdup(m->arena, str_text(&out));
}

static const char *text_for(const struct maker *m, const char *name)
{
	if (str_equal(name, "etc/shadow"))
		return users(m, "etc/passwd", ":*:19000:0:99999:7:::");
	if (str_equal(name, "etc/gshadow"))
		return users(m, "etc/group", ":*::");
	return "";
}

static int look_into(struct maker *m, const char *dir, unsigned int depth);

/* Whether everybody may read it, and we may. A copy that anybody may make shows nothing else, not
 * even to root of this machine. */
static bool is_for_all(int dir, const char *base, const struct stat *st)
{
	mode_t wanted = S_ISDIR(st->st_mode) ? S_IROTH | S_IXOTH : S_IROTH;
	int mode = S_ISDIR(st->st_mode) ? R_OK | X_OK : R_OK;

	return (st->st_mode & wanted) == wanted && faccessat(dir, base, mode, AT_EACCESS) == 0;
}

static int look_at(struct maker *m, int dir, const char *base, const char *name, unsigned int depth)
{
	struct stat st;

	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_is_absence(errno) ? 0 : failed(m, name);
	if (strchr(base, '\n') || (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)))
		return 0;
	if (is_for_all(dir, base, &st))
		return S_ISDIR(st.st_mode) && depth ? look_into(m, name, depth - 1) : 0;
	return S_ISDIR(st.st_mode) ? make_directory(m, name, st.st_mode)
				   : make_file(m, name, st.st_mode, text_for(m, name));
}

static int look_into(struct maker *m, const char *dir, unsigned int depth)
{
	int fd = openat(m->lower, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	int error = 0;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!stream) {
		r = err_is_absence(errno) ? 0 : failed(m, dir);
		fd_closep(&fd);
		return r;
	}
	while (r == 0 && (entry = io_next_entry(stream, &error)))
		r = look_at(m, dirfd(stream), entry->d_name,
			    arena_strf(m->arena, "%s/%s", dir, entry->d_name), depth);
	if (r == 0 && error < 0) { /* an unseen entry would be shown */
		errno = -error;
		r = failed(m, dir);
	}
	(void)closedir(stream);
	return r;
}

/* No other kind of mount may contain the place where /proc is mounted, so it needs a directory of
 * its own. */
static int make_all(struct maker *m)
{
	struct stat st;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(places) / sizeof(places[0]); i++)
		r = look_into(m, places[i], MAX_DEPTH);
	if (r == 0 && fstatat(m->lower, APT, &st, AT_SYMLINK_NOFOLLOW) == 0)
		r = make_file(m, APT "/00usrun", 0644, "APT::Sandbox::User \"root\";\n");
	if (r == 0 && fstatat(m->lower, "proc", &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = make_directory(m, "proc", 0555);
	return r;
}

int layer_standins_make(struct arena *arena, int lower, int part, struct err *err)
{
	_cleanup_close_ int upper = -1;
	struct maker m = { .arena = arena, .lower = lower, .err = err };
	int r;

	if (faccessat(part, RECORD, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != ENOENT)
		return failed(&m, "");
	m.upper = upper = openat(part, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0)
		return failed(&m, "");
	r = make_all(&m);
	if (r == 0)
		r = io_replace_file(part, RECORD, str_text(&m.record), m.record.len, 0600, err);
	str_done(&m.record);
	return r;
}

static bool read_line(struct layer_standin *standin, char *line)
{
	char *end;

	standin->inode = strtoull(line, &end, 10);
	standin->size = strtoull(end, &end, 10);
	standin->changed = strtoull(end, &end, 10);
	standin->name = end + 1;
	return *end == ' ';
}

static int compare(const void *a, const void *b)
{
	const struct layer_standin *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int layer_standins_read(struct arena *arena, int part, struct layer_standins *ret, struct err *err)
{
	char *line, *next;
	int r;

	*ret = (struct layer_standins){ 0 };
	if (faccessat(part, RECORD, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	r = io_read_file(part, RECORD, MAX_RECORD, arena, &line, NULL, err);
	for (; r == 0 && line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		ret->v = arena_room(arena, ret->v, ret->n, &ret->cap, sizeof(*ret->v));
		ret->n += read_line(&ret->v[ret->n], line);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare);
	return r;
}

bool layer_standins_has(const struct layer_standins *standins, const char *name,
			const struct stat *now)
{
	const struct layer_standin key = { .name = name }, *found;

	if (!standins->n)
		return false;
	found = bsearch(&key, standins->v, standins->n, sizeof(key), compare);
	if (!found || found->inode != now->st_ino)
		return false;
	/* A lock that was opened for writing, but not written. */
	return S_ISDIR(now->st_mode) || (!found->size && !now->st_size) ||
	       found->changed ==
		       (uint64_t)now->st_ctim.tv_sec * 1000000000 + (uint64_t)now->st_ctim.tv_nsec;
}

int layer_standins_hidden(struct arena *arena, int part, struct layer_hidden *ret, struct err *err)
{
	const char **v = NULL;
	char *line, *next;
	size_t cap = 0;
	int r;

	*ret = (struct layer_hidden){ 0 };
	if (faccessat(part, HIDDEN, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	r = io_read_file(part, HIDDEN, MAX_RECORD, arena, &line, NULL, err);
	for (; r == 0 && line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		v = arena_room(arena, v, ret->n, &cap, sizeof(*v));
		v[ret->n++] = line;
		ret->v = v;
	}
	return r;
}

/* Records the hidden names of all runs that used the layer. */
int layer_standins_hide(struct arena *arena, int part, const char *const *names, size_t n,
			struct err *err)
{
	_cleanup_str_ struct str text = { 0 };
	struct layer_hidden old;
	int r = layer_standins_hidden(arena, part, &old, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < old.n; i++)
		str_addf(&text, "%s\n", old.v[i]);
	for (size_t i = 0; i < n; i++)
		if (!strchr(names[i], '\n') && !layer_standins_hides(&old, names[i], false))
			str_addf(&text, "%s\n", names[i]);
	return io_replace_file(part, HIDDEN, str_text(&text), text.len, 0600, err);
}

bool layer_standins_hides(const struct layer_hidden *hidden, const char *name, bool removed)
{
	for (size_t i = 0; i < hidden->n; i++)
		if (path_is_below(name, hidden->v[i]) ||
		    (removed && path_is_below(hidden->v[i], name)))
			return true;
	return false;
}
