/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of a container that runs. A process of ours opens what is the caller's, enters the
 * container's namespaces but for that of its processes, which do not see it, and makes all mounts
 * and opens all places before it moves the first one in; what one of them cannot follow is taken
 * away again. The container may exchange names meanwhile: each place is opened once, through no
 * link, and used by descriptor. */
#include "src/steps/step_mounts_live.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/path.h"
#include "src/plan/powers.h"
#include "src/steps/step_mounts.h"
#include "src/sys/child.h"
#include "src/sys/mountfd.h"
#include "src/sys/privs.h"
#include "src/sys/resolve.h"
#include "src/sys/sock.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* A file system served by the container itself (FUSE) may never answer. */
enum { WORK_TIMEOUT_MS = 20000, DEATH_TIMEOUT_MS = 10000 };

struct place {
	int dir; /* its parent directory */
	const char *name;
	int target; /* what to mount on, or the mount to remove */
};

static int join(struct start *start, unsigned int kinds, struct err *err)
{
	int r = start_join_target(start, kinds);

	return r < 0 ? err_errno(err, -r, "join the namespaces of container %s", start->state->id)
		     : 0;
}

/* A process that may not open mounts in the caller's mount namespace may do so in a copy of it that
 * belongs to the container's user namespace. *kinds: the namespaces still to join. */
static int open_sources(struct start *start, unsigned int *kinds, struct err *err)
{
	int r = 0;

	if (!(start->plan->powers & POWER_OPEN_MOUNTS) && (*kinds & CLONE_NEWUSER)) {
		r = join(start, CLONE_NEWUSER, err);
		if (r == 0 && unshare(CLONE_NEWNS) < 0)
			r = err_errno(err, errno, "copy the caller's mount namespace");
		*kinds &= ~(unsigned int)CLONE_NEWUSER;
	}
	return r < 0 ? r : step_mounts_sources(start, err);
}

static int enter(struct start *start, unsigned int kinds, struct err *err)
{
	int r = join(start, kinds, err);

	if (r == 0 && (start->plan->flags & PLAN_USERNS_JOIN))
		r = privs_become_root(err);
	/* The kernel clears the parent-death signal whenever the ids change. */
	if (r == 0)
		r = start_end_with_parent(start, err);
	if (r < 0)
		return r;
	privs_set_dumpable(false);
	(void)umask(0);
	start->rootfs = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return start->rootfs < 0 ? err_errno(err, errno, "open the root of the container") : 0;
}

static int make_all(struct start *start, struct err *err)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;

	for (size_t i = 0; i < rootfs->n_mounts; i++) {
		const struct mount_entry *m = &rootfs->mounts[i];
		int made = m->kind == MOUNT_BIND ? step_mounts_tree(start, i, err)
						 : step_mounts_new_fs(start, m, NULL, 0, err);

		if (made < 0)
			return made;
		start->mounts[i] = made;
	}
	return 0;
}

static int place_failed(const char *path, int error, struct err *err)
{
	if (error == ELOOP)
		return err_set(err, ELOOP, "%s in the container: a symbolic link is in the way",
			       path);
	return err_errno(err, error, "open %s in the container", path);
}

static void place_done(struct place *place)
{
	fd_closep(&place->dir);
	fd_closep(&place->target);
}

/* Opens the place and its parent. -errno, no text. */
static int open_place(int root, const char *path, struct place *ret)
{
	char parent[PATH_MAX] = ".";
	struct stat st;

	*ret = (struct place){ .dir = -1, .name = path_base(path), .target = -1 };
	if (strlen(path) >= sizeof(parent))
		return -ENAMETOOLONG;
	if (ret->name > path + 1) {
		memcpy(parent, path + 1, (size_t)(ret->name - path - 2));
		parent[ret->name - path - 2] = '\0';
	}
	ret->dir = resolve_beneath(root, parent, O_PATH | O_DIRECTORY);
	if (ret->dir < 0)
		return ret->dir;
	ret->target = openat(ret->dir, ret->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (ret->target < 0 || fstat(ret->target, &st) < 0)
		return -errno;
	return S_ISLNK(st.st_mode) ? -ELOOP : 0;
}

/* A missing place is created below the deepest directory reached without links. A link planted
 * meanwhile cannot lead out of that directory, and the place is not opened through it. */
static int make_place(int root, const char *path, const char *target, bool dir, struct err *err)
{
	char there[PATH_MAX];
	size_t len = strlen(path);
	int below = -ENOENT, made;

	memcpy(there, path, len + 1); /* open_place() has checked its length */
	while (below == -ENOENT && len > 1) {
		while (len > 1 && there[len - 1] != '/')
			len--;
		there[--len] = '\0';
		below = resolve_beneath(root, len ? there + 1 : ".", O_PATH | O_DIRECTORY);
	}
	if (below < 0)
		return place_failed(target, -below, err);
	made = resolve_make(below, path + len + 1, dir, err);
	fd_closep(&below);
	if (made < 0)
		return err_prefix(err, "create %s in the container", target);
	fd_closep(&made);
	return 0;
}

/* A mount on procfs would impersonate the kernel; the plan has approved what may be mounted
 * there. */
static int check_kernels(const char *path, int target, struct err *err)
{
	struct statfs fs;

	if (path_is_below(path, "/proc"))
		return 0;
	if (fstatfs(target, &fs) < 0)
		return err_errno(err, errno, "stat %s in the container", path);
	if (fs.f_type != PROC_SUPER_MAGIC)
		return 0;
	return err_set(err, EINVAL, "%s in the container is on a kernel file system such as proc",
		       path);
}

/* The place may be in a mount that will be attached before it: returns the last such mount's
 * descriptor, to which *path is then relative. */
static int root_of(const struct start *start, size_t i, const char **path)
{
	const struct mount_entry *mounts = start->plan->rootfs.mounts;
	const char *target = mounts[i].target;

	*path = target;
	while (i-- > 0)
		if (path_is_below(target, mounts[i].target) &&
		    !str_equal(target, mounts[i].target)) {
			*path = target + strlen(mounts[i].target);
			return start->mounts[i];
		}
	return start->rootfs;
}

static int find_place(struct start *start, size_t i, struct place *ret, struct err *err)
{
	const char *path = start->plan->rootfs.mounts[i].target, *below;
	struct stat st;
	bool dir = fstat(start->mounts[i], &st) == 0 && S_ISDIR(st.st_mode);
	int root = root_of(start, i, &below), r = open_place(root, below, ret);

	if (r == -ENOENT) {
		place_done(ret);
		r = make_place(root, below, path, dir, err);
		if (r < 0)
			return r;
		r = open_place(root, below, ret);
	}
	if (r < 0)
		return place_failed(path, -r, err);
	if (fstat(ret->target, &st) == 0 && S_ISDIR(st.st_mode) != dir)
		return err_set(err, ENOTDIR,
			       "%s in the container: only a directory can be mounted on a "
			       "directory, and only a file on a file",
			       path);
	return check_kernels(path, ret->target, err);
}

/* By name in its parent directory: the kernel does not let a mount point be renamed or replaced. */
static int detach(const struct place *place)
{
	if (fchdir(place->dir) < 0)
		return -errno;
	return umount2(place->name, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
}

static int attach(struct start *start, size_t i, const struct place *place, struct err *err)
{
	const struct mount_entry *m = &start->plan->rootfs.mounts[i];
	bool there = false;
	int r = mountfd_attach_at(start->mounts[i], place->target, "", &there);

	if (r == 0)
		r = step_mounts_propagate(m, start->mounts[i]);
	if (r < 0 && there)
		(void)detach(place);
	return r < 0 ? err_errno(err, -r, "mount %s on %s in the container",
				 m->source ? m->source : m->fs, m->target)
		     : 0;
}

/* File systems, and files created as mount points for others. */
static int make_readonly(struct start *start, struct err *err)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;
	int r = 0;

	for (size_t i = 0; r == 0 && i < rootfs->n_mounts; i++)
		if (rootfs->mounts[i].readonly_late)
			r = mountfd_set_attr(start->mounts[i], MOUNT_ATTR_RDONLY, 0, 0, false);
	return r < 0 ? err_errno(err, -r, "make a mount read-only") : 0;
}

/* A file system of the container may block this forever; nothing is attached yet. */
static int find_places(struct start *start, struct place *ret, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < start->plan->rootfs.n_mounts; i++)
		r = find_place(start, i, &ret[i], err);
	return r;
}

static int attach_all(struct start *start, const struct place *places, struct err *err)
{
	size_t n = start->plan->rootfs.n_mounts, done;
	int r = 0;

	for (done = 0; r == 0 && done < n; done++)
		r = attach(start, done, &places[done], err);
	if (r == 0)
		r = make_readonly(start, err);
	else
		done--;
	for (size_t i = done; r < 0 && i-- > 0;)
		if (detach(&places[i]) < 0)
			log_debug("take %s away again", start->plan->rootfs.mounts[i].target);
	return r;
}

/* If usrun has waited too long, or is gone, it assumes that nothing was attached. */
static int await_go(struct start *start, struct err *err)
{
	struct err ready = { 0 };
	int none, r = sock_send(start->lifeline, &ready, sizeof(ready), -1);
	char go;

	if (r >= 0 && sock_recv(start->lifeline, &go, sizeof(go), &none) == sizeof(go))
		return 0;
	return err_set(err, ECANCELED, "usrun does not wait for the mounts any more");
}

static int add(struct start *start, struct err *err)
{
	size_t n = start->plan->rootfs.n_mounts;
	struct place *places = arena_array(start->arena, n + 1, sizeof(*places));
	unsigned int kinds = start->plan->ns.join_flags;
	int r = open_sources(start, &kinds, err);

	if (r == 0)
		r = enter(start, kinds, err);
	if (r == 0)
		r = make_all(start, err);
	if (r == 0)
		r = find_places(start, places, err);
	if (r == 0)
		r = await_go(start, err);
	/* From here on the work is completed or undone, whatever happens to usrun. */
	if (r == 0)
		r = privs_outlive_parent(err);
	return r < 0 ? r : attach_all(start, places, err);
}

/* Longest paths first: they may be below others. */
static int by_depth(const void *a, const void *b)
{
	const struct mount_entry *x = a, *y = b;
	size_t m = strlen(x->target), n = strlen(y->target);

	return (m < n) - (m > n);
}

/* open_place() found nothing there, or a link. */
static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -EXDEV;
}

/* If the mount is gone, the container has unmounted it or renamed a directory above it: the caller
 * must learn of that. */
static int remove_all(struct start *start, struct err *err)
{
	size_t n = start->plan->rootfs.n_mounts;
	struct place *places = arena_array(start->arena, n + 1, sizeof(*places));
	struct mount_entry *v = arena_array(start->arena, n + 1, sizeof(*v));
	int r = enter(start, start->plan->ns.join_flags, err);

	memcpy(v, start->plan->rootfs.mounts, n * sizeof(*v));
	qsort(v, n, sizeof(*v), by_depth);
	for (size_t i = 0; r == 0 && i < n; i++) {
		int there = open_place(start->rootfs, v[i].target, &places[i]);

		if (there == 0 && !mountfd_is_same(places[i].dir, places[i].target))
			continue;
		if (there < 0 && !is_gone(there)) /* it may still be mounted, so it stays listed */
			return err_errno(err, -there, "unmount %s in the container", v[i].target);
		log_notice("%s in the container: nothing is mounted there any more", v[i].target);
		place_done(&places[i]);
	}
	if (r == 0)
		r = privs_outlive_parent(err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = places[i].dir < 0 ? 0 : detach(&places[i]);
		if (r < 0)
			return err_errno(err, -r, "unmount %s in the container", v[i].target);
	}
	return r;
}

static __attribute__((noreturn)) void work(struct start *start, bool removes, int sock)
{
	struct err err = { 0 };
	int r;

	/* Others in the caller's pid namespace see this process, and may trace any process that
	 * joins their user namespace. */
	privs_set_dumpable(false);
	(void)setsid(); /* a key typed for the caller must not stop it halfway */
	start->lifeline = sock;
	r = start_end_with_parent(start, &err);
	if (r == 0)
		r = removes ? remove_all(start, &err) : add(start, &err);
	(void)sock_send(sock, &err, sizeof(err), -1);
	child_exit(r < 0);
}

/* *ret_heard: the process has answered, even if with an error. */
static int await(const struct start *start, int sock, bool *ret_heard, struct err *err)
{
	struct pollfd fd = { .fd = sock, .events = POLLIN };
	struct err said;
	int none, n;

	*ret_heard = false;
	while ((n = poll(&fd, 1, WORK_TIMEOUT_MS)) < 0 && errno == EINTR)
		;
	if (n <= 0)
		return err_set(err, ETIMEDOUT,
			       "mounts of container %s: no answer for %d s; a file system that the "
			       "container itself serves may be blocking",
			       start->state->id, WORK_TIMEOUT_MS / 1000);
	if (sock_recv(sock, &said, sizeof(said), &none) != sizeof(said))
		return err_set(err, EPIPE,
			       "mounts of container %s: the process that mounts them exited "
			       "without reporting back",
			       start->state->id);
	*ret_heard = true;
	*err = said;
	return -said.code;
}

/* Adding waits twice: until the mounts can be attached, and until they are. */
static int follow(const struct start *start, bool removes, int sock, bool *ret_sure,
		  struct err *err)
{
	bool heard;
	int r = await(start, sock, &heard, err);

	*ret_sure = heard || !removes;
	if (r < 0 || removes)
		return r;
	r = sock_send(sock, "", 1, -1);
	if (r < 0)
		return err_errno(err, -r, "tell the process for the mounts to go on");
	return await(start, sock, ret_sure, err);
}

int step_mounts_live(struct start *start, bool removes, bool *ret_sure, struct err *err)
{
	const struct clone_request request = { .cgroup_fd = -1 };
	struct child child = CHILD_NONE;
	int pair[2], r = sock_pair(pair, err);

	*ret_sure = true;
	if (r < 0)
		return r;
	r = child_clone(&request, &child);
	if (r == 0) {
		fd_closep(&pair[0]);
		work(start, removes, pair[1]);
	}
	fd_closep(&pair[1]);
	r = r < 0 ? err_errno(err, -r, "create a process for the mounts")
		  : follow(start, removes, pair[0], ret_sure, err);
	fd_closep(&pair[0]);
	(void)child_end(&child, DEATH_TIMEOUT_MS);
	return r;
}
