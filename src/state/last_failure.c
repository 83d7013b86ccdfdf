/* SPDX-License-Identifier: Apache-2.0 */
#include "src/state/last_failure.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/state/store_priv.h"
#include "src/sys/privs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 64 << 10, STALE_SECONDS = 24 * 3600 };

/* The parent of the usual state directory and the file's name; or -1 if the parent is not the
 * caller's, since others could plant a file there. */
static int open_place(const struct store *store, struct arena *arena, const char **ret_name)
{
	_cleanup_close_ int dir = -1;
	struct stat st;

	if (store->fd < 0 || store->chosen_by_user)
		return -1;
	dir = openat(store->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &st) < 0 || st.st_uid != privs_uid() || (st.st_mode & 022))
		return -1;
	*ret_name = arena_strf(arena, "%s.failed", strrchr(store->path, '/') + 1);
	return fd_take(&dir);
}

/* The first line contains the id. */
int last_failure_keep(const struct store *store, const char *id, const char *text, struct err *err)
{
	struct arena arena = { 0 };
	_cleanup_str_ struct str out = { 0 };
	const char *name;
	_cleanup_close_ int dir = open_place(store, &arena, &name);
	int r = 0;

	str_addf(&out, "%s\n%s", id, text);
	if (dir >= 0)
		r = io_replace_file(dir, name, out.s, out.len, 0600, err);
	arena_free(&arena);
	return r;
}

const char *last_failure_of(const struct store *store, const char *id, struct arena *arena)
{
	const char *name;
	_cleanup_close_ int dir = open_place(store, arena, &name), fd = -1;
	size_t len = strlen(id);
	struct err ignored;
	char *text;

	if (dir >= 0)
		fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || io_read_fd(fd, name, TEXT_MAX, arena, &text, NULL, &ignored) < 0)
		return NULL;
	return strncmp(text, id, len) == 0 && text[len] == '\n' ? text + len + 1 : NULL;
}

int last_failure_remove(const struct store *store, bool dry_run, struct arena *arena,
			struct err *err)
{
	const char *name;
	_cleanup_close_ int dir = open_place(store, arena, &name);
	struct timespec now;
	struct stat st;

	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    clock_gettime(CLOCK_REALTIME, &now) < 0 ||
	    now.tv_sec - st.st_mtim.tv_sec < STALE_SECONDS)
		return 0;
	if (!dry_run && unlinkat(dir, name, 0) < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "remove %s", name);
	return 1;
}
