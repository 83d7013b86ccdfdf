/* SPDX-License-Identifier: Apache-2.0 */
/* Where this caller's containers are kept. Every command must get the same answer, from
 * XDG_RUNTIME_DIR alone, because later commands get almost no environment. */
#include "src/state/store_priv.h"

#include "src/base/fd.h"
#include "src/base/path.h"
#include "src/sys/privs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Another user with write access could replace our directory with their own. */
static int check_owner(struct store *store, const char *path, mode_t forbidden, struct err *err)
{
	struct stat st;

	if (fstat(store->fd, &st) < 0)
		return err_errno(err, errno, "stat %s", path);
	store->dev = st.st_dev;
	store->ino = st.st_ino;
	if (st.st_uid != privs_uid()) {
		(void)err_set(err, EPERM, "%s belongs to uid %u, not to the caller", path,
			      st.st_uid);
		return err_hint(err, "name a directory of your own with --root");
	}
	if (st.st_mode & forbidden) {
		(void)err_set(err, EPERM, "%s may be %s by others (mode %04o)", path,
			      st.st_mode & 022 ? "written" : "read", st.st_mode & 07777);
		return err_hint(err, "chmod go-%s %s", forbidden & 044 ? "rwx" : "w", path);
	}
	return 0;
}

/* mkdir -p. The sticky bit tells cleaners of runtime directories to keep it (XDG Base Directory
 * Specification). */
static int make_parents(struct arena *arena, const struct store_place *place, struct err *err)
{
	const char *path = place->path;
	const char *runtime = place->chosen_by_user ? NULL : getenv("XDG_RUNTIME_DIR");
	bool from_environment = runtime && *runtime;
	char *sofar = arena_strdup(arena, path);

	for (char *slash = strchr(sofar + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(sofar, slash ? 0700 : 01700) < 0 && errno != EEXIST &&
		    !(slash && errno == EROFS)) {
			int error = errno;

			(void)err_errno(err, error, "create the state directory %s", sofar);
			if (from_environment)
				err_hint(err,
					 "it derives from XDG_RUNTIME_DIR=%s: unset that, or name "
					 "a directory of your own with --root",
					 runtime);
			if (error == EACCES || error == EPERM || error == EROFS)
				err_hint(err, "name a directory of your own with --root");
			return -error;
		}
		if (!slash)
			return 0;
		*slash = '/';
	}
}

int store_priv_open_root(const struct store_place *place, bool create, struct arena *arena,
			 struct store *store, struct err *err)
{
	const int flags =
		O_RDONLY | O_DIRECTORY | O_CLOEXEC | (place->chosen_by_user ? 0 : O_NOFOLLOW);
	int r;

	store->fd = openat(AT_FDCWD, place->path, flags);
	if (store->fd < 0 && errno == ENOENT && !create)
		return -ENOENT;
	if (store->fd < 0 && errno == ENOENT) {
		r = make_parents(arena, place, err);
		if (r < 0)
			return r;
		store->fd = openat(AT_FDCWD, place->path, flags);
	}
	if (store->fd < 0) {
		(void)err_errno(err, errno, "open the state directory %s", place->path);
		return err_hint(
			err,
			place->chosen_by_user
				? "name a directory of your own with --root"
				: "it derives from XDG_RUNTIME_DIR: name a directory of your own "
				  "there, or with --root");
	}
	r = check_owner(store, place->path, place->shared_parent ? 077 : 022, err);
	if (r < 0)
		fd_closep(&store->fd);
	return r;
}

static int hint_unset(struct err *err)
{
	return err_hint(err, "unset XDG_RUNTIME_DIR (it may be left over from another user: su, "
			     "sudo), or name a directory of your own with --root");
}

/* The variable may be inherited from another user (su, sudo -E), who could replace what we put
 * there, and would find our directory where theirs belongs. */
static int check_runtime_dir(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "stat XDG_RUNTIME_DIR=%s", path);
	if (st.st_uid == 0 && (st.st_mode & S_ISVTX))
		return 0;
	if (st.st_uid != privs_uid() && st.st_uid != 0)
		(void)err_set(err, EPERM, "XDG_RUNTIME_DIR=%s belongs to uid %u, not to the caller",
			      path, st.st_uid);
	else if (st.st_mode & 022)
		(void)err_set(err, EPERM, "XDG_RUNTIME_DIR=%s may be written by others (mode %04o)",
			      path, st.st_mode & 07777);
	else
		return 0;
	return hint_unset(err);
}

static int refuse_relative(const char *runtime, struct err *err)
{
	(void)err_set(err, EINVAL, "XDG_RUNTIME_DIR: expected an absolute path, got \"%s\"",
		      runtime);
	return hint_unset(err);
}

static bool usable(const char *path)
{
	return access(path, W_OK | X_OK) == 0;
}

static int place_of_option(const char *option, struct arena *arena, struct store_place *ret,
			   struct err *err)
{
	char here[4096];

	ret->chosen_by_user = true;
	if (*option == '/') {
		ret->path = path_clean(arena, option);
		if (!ret->path[1])
			return err_set(err, EINVAL,
				       "Option --root argument should not be set to /");
		return 0;
	}
	if (!getcwd(here, sizeof(here)))
		return err_errno(err, errno, "--root %s: the current directory", option);
	ret->path = path_clean(arena, path_join(arena, here, option));
	return 0;
}

void store_usual_roots(struct arena *arena, const char *ret[STORE_USUAL])
{
	ret[0] = "/run/usrun";
	ret[1] = arena_strf(arena, "/run/user/%u/usrun", privs_uid());
	ret[2] = arena_strf(arena, "/tmp/usrun-%u", privs_uid());
}

int store_priv_choose_root(const char *option, struct arena *arena, struct store_place *ret,
			   struct err *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *usual[STORE_USUAL];

	*ret = (struct store_place){ 0 };
	if (option)
		return place_of_option(option, arena, ret, err);
	if (runtime && *runtime) {
		if (*runtime != '/')
			return refuse_relative(runtime, err);
		ret->path = path_join(arena, runtime, "usrun");
		return check_runtime_dir(runtime, err);
	}
	store_usual_roots(arena, usual);
	if (usable("/run"))
		ret->path = usual[0];
	else if (usable(arena_strf(arena, "/run/user/%u", privs_uid())))
		ret->path = usual[1];
	else
		*ret = (struct store_place){ .path = usual[2], .shared_parent = true };
	return 0;
}

bool store_is_shared(int dirfd)
{
	/* nfs, fuse (virtiofs, sshfs), cifs, smb2, smb, 9p; ceph, lustre, gfs2, ocfs2, afs, gpfs */
	static const uint32_t magics[] = { 0x6969,     0x65735546, 0xff534d42, 0xfe534d42,
					   0x517b,     0x01021997, 0x00c36400, 0x0bd00bd0,
					   0x01161970, 0x7461636f, 0x5346414f, 0x47504653 };
	struct statfs fs;

	if (fstatfs(dirfd, &fs) < 0)
		return true;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if ((uint32_t)fs.f_type == magics[i])
			return true;
	return false;
}
