/* SPDX-License-Identifier: Apache-2.0 */
/* Where the containers of this caller are kept. The same answer for every command, from XDG_RUNTIME_DIR
 * alone: later commands get almost no environment. */
#include "src/state/store_priv.h"

#include "src/base/fd.h"
#include "src/base/path.h"
#include "src/sys/privs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Another user who may write there could put a directory in the place of ours. */
static int check_owner(int fd, const char *path, bool shared, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "look at %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "%s is not a directory", path);
	if (st.st_uid != privs_uid()) {
		(void)err_set(err, EPERM, "%s belongs to uid %u, not to the caller", path, st.st_uid);
		err_hint(err, "unset XDG_RUNTIME_DIR (it may be left over from another user: su, sudo), or name "
			 "a directory of your own with --root");
		return -EPERM;
	}
	if (!shared && (st.st_mode & 022)) {
		(void)err_set(err, EPERM, "%s may be written by others (mode %04o)", path, st.st_mode & 07777);
		err_hint(err, "chmod go-w %s", path);
		return -EPERM;
	}
	return 0;
}

/* mkdir -p, 0700. */
static int make_parents(struct arena *arena, const char *path, struct err *err)
{
	char *sofar = arena_strdup(arena, path);

	for (char *slash = strchr(sofar + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(sofar, 0700) < 0 && errno != EEXIST && !(slash && errno == EROFS))
			return err_errno(err, errno, "make the state directory %s", sofar);
		if (!slash)
			return 0;
		*slash = '/';
	}
}

int store_priv_open_root(const char *path, bool create, struct arena *arena, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0 && errno == ENOENT && !create)
		return -ENOENT;
	if (fd < 0 && errno == ENOENT) {
		r = make_parents(arena, path, err);
		if (r < 0)
			return r;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return err_errno(err, errno, "open the state directory %s", path);
	r = check_owner(fd, path, false, err);
	return r < 0 ? r : fd_take(&fd);
}

static bool usable(const char *path)
{
	return access(path, W_OK | X_OK) == 0;
}

int store_priv_choose_root(const char *option, struct arena *arena, const char **ret, struct err *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char here[4096];

	if (option && path_clean(arena, option)[1] == '\0')
		return err_set(err, EINVAL, "Option --root argument should not be set to /");
	if (option && *option == '/') {
		*ret = path_clean(arena, option);
		return 0;
	}
	if (option) {
		if (!getcwd(here, sizeof(here)))
			return err_errno(err, errno, "--root %s: the current directory", option);
		*ret = path_clean(arena, path_join(arena, here, option));
		return 0;
	}
	if (runtime && *runtime) {
		if (*runtime != '/')
			return err_set(err, EINVAL, "XDG_RUNTIME_DIR: expected an absolute path, got \"%s\"",
				       runtime);
		*ret = path_join(arena, runtime, "usrun");
		return 0;
	}
	*ret = arena_strf(arena, "/run/user/%u", privs_uid());
	if (usable("/run"))
		*ret = "/run/usrun";
	else if (usable(*ret))
		*ret = path_join(arena, *ret, "usrun");
	else
		*ret = arena_strf(arena, "/tmp/usrun-%u", privs_uid());
	return 0;
}
