/* SPDX-License-Identifier: Apache-2.0 */
#include "src/layer/layer_served.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/layer/layer_serve.h"
#include "src/sys/mountfd.h"
#include "src/sys/privs.h"
#include "src/sys/program.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* The server's own mounts go to a directory that every machine has, and the server never looks
 * at. */
#define PLACE "/sys"

int layer_served_enter(int userns, struct err *err)
{
	struct stat own, theirs;
	struct err ignored;

	if (fstat(userns, &theirs) < 0 || stat("/proc/self/ns/user", &own) < 0)
		return err_errno(err, errno, "find the container's user namespace");
	if (own.st_ino == theirs.st_ino && own.st_dev == theirs.st_dev)
		return 0;
	if (setns(userns, CLONE_NEWUSER) < 0)
		return err_errno(err, errno, "join the container's user namespace");
	if (privs_set_gid(0, &ignored) == 0)
		(void)!privs_set_uid(0, &ignored);
	return 0;
}

static int attach(int mount, const char *place)
{
	_cleanup_close_ int target = -1;

	if (mkdir(place, 0755) < 0)
		return -errno;
	target = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return target < 0 ? -errno : mountfd_attach(mount, target);
}

/* Uses paths without colons and commas. Mounts and unmounts on the host propagate here, but not
 * back. */
static int make_view(const struct layer_served *what, struct err *err)
{
	int r = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    mount("usrun", PLACE, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=755") < 0)
		r = -errno;
	if (r >= 0)
		r = attach(what->lower, PLACE "/lower");
	if (r >= 0)
		r = attach(what->part, PLACE "/part");
	return r < 0 ? err_errno(err, -r, "create a mount namespace for fuse-overlayfs") : 0;
}

static int run(struct arena *arena, const struct layer_served *what, struct err *err)
{
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	const struct layer_served_ids *ids = &what->ids;
	const char *squash = ids->squash ? arena_strf(arena, ",squash_to_uid=%u,squash_to_gid=%u",
						      ids->uid, ids->gid)
					 : "";
	const char *argv[] = {
		arena_strf(arena, "usrun:[fuse-overlayfs] %s", what->id),
		"-f",
		"-o",
		arena_strf(arena,
			   "lowerdir=" PLACE "/lower,upperdir=" PLACE "/part/upper,workdir=" PLACE
			   "/part/" LAYER_SERVE_WORK "%s",
			   squash),
		arena_strf(arena, "/dev/fd/%d", what->device),
		NULL,
	};
	int keep[] = { what->device, what->words };

	if (dup2(what->words, STDERR_FILENO) < 0 || fcntl(what->device, F_SETFD, 0) < 0)
		return err_errno(err, errno, "start %s", what->program);
	program_close_others(3, keep, 2);
	(void)umask(0);
	(void)execve(what->program, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
	return err_errno(err, errno, "start %s", what->program);
}

void layer_served_main(struct arena *arena, const struct layer_served *what)
{
	struct err err = { 0 };

	/* The reader may be gone, which is no reason to die. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (make_view(what, &err) == 0)
		(void)run(arena, what, &err);
	(void)!io_write_all(what->words, err.text, strlen(err.text));
	child_exit(127);
}
