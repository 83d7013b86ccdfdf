/* SPDX-License-Identifier: Apache-2.0 */
#include "src/host/barrier.h"

#include "src/base/fd.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/sys/resolve.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MAX_LINKS = 40, FUSE_MAGIC = 0x65735546 /* missing from older headers */ };

/* The current position on a path. */
struct place {
	struct arena *arena;
	int fd;
	const char *name; /* absolute, or relative to the working directory */
	const char *rest; /* components still to walk */
	int links;
};

static int start_at(struct place *place, const char *path)
{
	fd_closep(&place->fd);
	place->fd = openat(AT_FDCWD, *path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*path == '/')
		place->name = "/";
	return place->fd < 0 ? -errno : 0;
}

/* Follows a link: puts its target before the rest of the path. */
static int follow(struct place *place, int link)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(link, "", text, sizeof(text) - 1);

	if (n < 0 || ++place->links > MAX_LINKS)
		return n < 0 ? -errno : -ELOOP;
	text[n] = '\0';
	place->rest = arena_strf(place->arena, "%s/%s", text, place->rest);
	return *text == '/' ? start_at(place, text) : 0;
}

static int step_into(struct place *place, const char *word)
{
	_cleanup_close_ int next = openat(place->fd, word, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (next < 0)
		return -errno;
	if (fstat(next, &st) == 0 && S_ISLNK(st.st_mode))
		return follow(place, next);
	place->name = *place->name == '/'
			      ? path_clean(place->arena, path_join(place->arena, place->name, word))
			      : path_join(place->arena, place->name, word);
	fd_closep(&place->fd);
	place->fd = fd_take(&next);
	return 0;
}

/* Walks to the end of the path, or to the directory that stops us: 0, or -errno with *place
 * there. */
static int go(struct place *place, const char *path)
{
	int r = start_at(place, path);

	place->rest = path;
	while (r == 0 && *(place->rest += strspn(place->rest, "/"))) {
		size_t len = strcspn(place->rest, "/");
		const char *word = arena_strndup(place->arena, place->rest, len);

		place->rest += len;
		r = step_into(place, word);
	}
	return r;
}

static const char *owner_words(struct arena *arena, const struct barrier_view *view,
			       const struct stat *st)
{
	bool mapped = view->uids && view->uids->n && view->gids;
	int64_t uid = mapped ? idmap_to_host(view->uids, st->st_uid) : -1;
	int64_t gid = mapped ? idmap_to_host(view->gids, st->st_gid) : -1;

	if (mapped && uid < 0)
		return "an id that the container does not have";
	if (uid < 0 || gid < 0)
		return arena_strf(arena, "%u:%u", st->st_uid, st->st_gid);
	return arena_strf(arena, "%u:%u, on the host %lld:%lld", st->st_uid, st->st_gid,
			  (long long)uid, (long long)gid);
}

static const char *asker_words(struct arena *arena, const struct barrier_view *view, uint32_t uid)
{
	int64_t host = view->uids && view->uids->n ? idmap_to_host(view->uids, uid) : -1;

	return host < 0 ? arena_strf(arena, "uid %u", uid)
			: arena_strf(arena, "uid %u (%lld on the host)", uid, (long long)host);
}

/* The letter of the permission class that applies to the caller. */
static char class_of(const struct stat *st)
{
	gid_t groups[1024];
	int n = getgroups(1024, groups);

	if (st->st_uid == geteuid())
		return 'u';
	if (st->st_gid == getegid())
		return 'g';
	for (int i = 0; i < n; i++)
		if (groups[i] == st->st_gid)
			return 'g';
	return 'o';
}

static bool class_has(const struct stat *st, char class, int want)
{
	int shift = class == 'u' ? 6 : class == 'g' ? 3 : 0;

	return ((st->st_mode >> shift) & (mode_t)want) == (mode_t)want;
}

static const char *letters_of(int want)
{
	return want == R_OK ? "r" : want == W_OK ? "w" : want == X_OK ? "x" : "rwx";
}

/* Advice for a path on the host, or, for a container's file, to the image's author. Never to open
 * others' files to everybody: they may be a home directory or a key. */
static const char *advice(struct arena *arena, const struct barrier_view *view, const char *path,
			  const struct stat *st, int want)
{
	char class = class_of(st);

	if (class_has(st, class, want))
		return "; the mode allows it, so an ACL, a file server or a security module does "
		       "not";
	if (view->container)
		return "";
	if (class == 'u')
		return arena_strf(arena, ": chmod u+%s %s", letters_of(want), path);
	return S_ISDIR(st->st_mode) ? ": use a path outside of it" : ": use a file of your own";
}

static const char *no_entry(struct arena *arena, const struct barrier_view *view,
			    const struct place *at)
{
	const char *who = asker_words(arena, view, geteuid());
	struct statfs fs;
	struct stat st;

	if (fstat(at->fd, &st) < 0)
		return fstatfs(at->fd, &fs) == 0 && fs.f_type == FUSE_MAGIC
			       ? arena_strf(arena,
					    "%s is a FUSE mount of another user, who lets nobody "
					    "else in: mount it with -o allow_other",
					    at->name)
			       : arena_strf(arena, "%s may not look at the directory %s", who,
					    at->name);
	return arena_strf(arena, "%s may not enter the directory %s%s (owner %s, mode %04o)%s", who,
			  at->name, view->container ? " of the container" : "",
			  owner_words(arena, view, &st), st.st_mode & 07777,
			  advice(arena, view, at->name, &st, X_OK));
}

static const char *no_access(struct arena *arena, const struct barrier_view *view,
			     const struct place *at, const char *path, int want)
{
	const char *verb = want == R_OK ? "read" : want == W_OK ? "write" : "execute";
	struct statvfs fs;
	struct stat st;

	if (fstat(at->fd, &st) < 0 || (S_ISDIR(st.st_mode) && want == X_OK))
		return no_entry(arena, view, at);
	if (want == X_OK && statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOEXEC))
		return arena_strf(arena, "%s is on a mount with the option noexec", path);
	if (want == X_OK && !(st.st_mode & 0111))
		return arena_strf(arena, "%s is not executable (mode %04o): chmod +x %s", path,
				  st.st_mode & 07777, path);
	return arena_strf(arena, "%s may not %s %s (owner %s, mode %04o)%s",
			  asker_words(arena, view, geteuid()), verb, path,
			  owner_words(arena, view, &st), st.st_mode & 07777,
			  advice(arena, view, path, &st, want));
}

const char *barrier_words(struct arena *arena, const struct barrier_view *view, const char *path,
			  int want)
{
	struct place place = { .arena = arena, .fd = -1, .name = "." };
	const char *words = NULL;
	int r = go(&place, path);

	if (r == -EACCES && place.fd >= 0)
		words = no_entry(arena, view, &place);
	else if (r == 0 && want && faccessat(AT_FDCWD, path, want, AT_EACCESS) < 0 &&
		 errno == EACCES)
		words = no_access(arena, view, &place, path, want);
	fd_closep(&place.fd);
	return words;
}

void barrier_hint(struct arena *arena, const struct barrier_view *view, const char *path, int want,
		  struct err *err)
{
	const char *words = barrier_words(arena, view, path, want);

	if (words)
		err_hint_first(err, "%s", words);
}

/* The capabilities of a user namespace's root apply only to files whose owner and group are both
 * mapped; to others it has the access of an ordinary user. */
static bool closed_to_root(const struct barrier_view *view, const struct stat *st, int want)
{
	bool has_uid = idmap_to_container(view->uids, st->st_uid) >= 0;
	bool has_gid = idmap_to_container(view->gids, st->st_gid) >= 0;
	char class = (int64_t)st->st_uid == idmap_to_host(view->uids, 0)   ? 'u'
		     : (int64_t)st->st_gid == idmap_to_host(view->gids, 0) ? 'g'
									   : 'o';

	return !(has_uid && has_gid) && !class_has(st, class, want);
}

static const char *closed(struct arena *arena, const struct barrier_view *view, const char *verb,
			  const char *path, const struct stat *st)
{
	return arena_strf(
		arena,
		"root of the container (uid %lld on the host) may not %s the directory %s "
		"(owner %u:%u on the host, mode %04o)",
		(long long)idmap_to_host(view->uids, 0), verb, path, st->st_uid, st->st_gid,
		st->st_mode & 07777);
}

const char *barrier_of_root(struct arena *arena, const struct barrier_view *view,
			    const char *rootfs, const char *path)
{
	_cleanup_close_ int root = openat(AT_FDCWD, rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st = { 0 };
	const char *dir = NULL;

	for (size_t len = 1; root >= 0; len += len > 1, len += strcspn(path + len, "/")) {
		const char *so_far = arena_strndup(arena, path, len);
		_cleanup_close_ int fd = resolve_open(root, so_far, O_PATH);

		if (fd == -ENOENT && dir && closed_to_root(view, &st, W_OK))
			return closed(arena, view, "write to", dir, &st);
		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
			return NULL;
		dir = len == 1 ? rootfs : arena_strf(arena, "%s%s", rootfs, so_far);
		if (closed_to_root(view, &st, X_OK))
			return closed(arena, view, "enter", dir, &st);
		if (!path[len])
			return NULL;
	}
	return NULL;
}
