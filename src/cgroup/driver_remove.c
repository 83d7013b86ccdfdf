/* SPDX-License-Identifier: Apache-2.0 */
/* Removal. The group of a container that has ended is one rmdir for each hierarchy. What is left inside is
 * killed and waited for: in the v2 tree by cgroup.events, whose "populated 0" is what rmdir asks for; in v1
 * by a pidfd of each process, which a process has left its groups before it reports its end to. */
#include "src/cgroup/driver_priv.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/sys/clock.h"
#include "src/sys/pidfd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { TIMEOUT_MS = 5000, KILL_AGAIN_MS = 500 };

static int still_there(int dir, struct err *err)
{
	struct arena arena = { 0 };
	struct driver_priv_pids pids = { .arena = &arena };
	char name[32], comm[64] = "";
	int r = driver_priv_list(dir, &pids, err);

	if (r == 0 && pids.n) {
		(void)snprintf(name, sizeof(name), "/proc/%d/comm", (int)pids.v[0]);
		(void)!io_read_small(AT_FDCWD, name, comm, sizeof(comm));
		(void)err_set(
			err, ETIMEDOUT,
			"%zu process(es) of the container did not end within %d s of SIGKILL: "
			"%d (%s)",
			pids.n, TIMEOUT_MS / 1000, (int)pids.v[0], comm);
		err_hint(err, "a process that waits for a disk or a network file system ends when "
			      "that answers: try "
			      "again then");
	} else if (r == 0) {
		(void)err_set(err, ETIMEDOUT,
			      "the container's cgroup did not become empty within %d s",
			      TIMEOUT_MS / 1000);
	}
	arena_free(&arena);
	return -err->code;
}

static int wait_for_pids(const struct driver_priv_pids *pids, long long deadline)
{
	for (size_t i = 0; i < pids->n; i++) {
		_cleanup_close_ int pidfd = pidfd_open_process(pids->v[i]);

		if (pidfd >= 0 && pidfd_wait(pidfd, clock_left(deadline)) == -ETIMEDOUT)
			return -ETIMEDOUT;
	}
	return 0;
}

/* Kills and waits until the directory lists nobody. */
static int empty_v1(const struct cgroup *cgroup, int dir, long long deadline, struct err *err)
{
	size_t n = 1;
	int r = 0;

	for (unsigned int turn = 0; r == 0 && n; turn++) {
		struct arena arena = { 0 };
		struct driver_priv_pids pids = { .arena = &arena };

		r = driver_priv_list(cgroup->fds[dir], &pids, err);
		n = pids.n;
		if (r == 0 && n)
			r = driver_priv_kill_dir(cgroup, dir, err);
		if (r == 0 && wait_for_pids(&pids, deadline) < 0)
			r = still_there(cgroup->fds[dir], err);
		arena_free(&arena);
		if (r == 0 && n && turn)
			driver_priv_pause(turn);
		if (r == 0 && n && !clock_left(deadline))
			r = still_there(cgroup->fds[dir], err);
	}
	return r;
}

static int empty_v2(const struct cgroup *cgroup, int dir, long long deadline, struct err *err)
{
	for (;;) {
		long long again = clock_now() + KILL_AGAIN_MS;
		int r = driver_kill(cgroup, SIGKILL, err);

		if (r < 0)
			return r;
		r = driver_priv_wait_event(cgroup->fds[dir], "populated 0",
					   again < deadline ? again : deadline);
		if (r != -ETIMEDOUT) /* an error here: the group is gone */
			return 0;
		if (!clock_left(deadline))
			return still_there(cgroup->fds[dir], err);
		/* somebody has joined it after the kill: an exec that was on its way */
	}
}

static int empty(const struct cgroup *cgroup, int dir, long long deadline, struct err *err)
{
	return driver_priv_is_v2(&cgroup->place.dirs.v[dir]) ? empty_v2(cgroup, dir, deadline, err)
							     : empty_v1(cgroup, dir, deadline, err);
}

static int remove_leaf(int parent, const char *name, void *data)
{
	(void)data;
	(void)unlinkat(parent, name,
		       AT_REMOVEDIR); /* shows in the rmdir of the top, which is tried again */
	return 0;
}

/* rmdir by path: 0 also where it is gone, -EBUSY where something is in it. */
static int try_rmdir(const struct cgroup_dir *dir, struct err *err)
{
	struct driver_priv_path buf;

	if (rmdir(driver_priv_path(dir, &buf)) == 0 || errno == ENOENT || errno == ENODEV)
		return 0;
	if (errno == EBUSY || errno == ENOTEMPTY)
		return -EBUSY;
	return err_errno(err, errno, "remove the cgroup %s", buf.text);
}

/* Here the processes are gone from the main hierarchy. One that is only in this one (an exec that was killed
 * between two joins) goes first. */
static int remove_busy(const struct cgroup *cgroup, int i, long long deadline, struct err *err)
{
	static const struct driver_priv_walk leaves = { .leave = remove_leaf };
	int r = -EBUSY;

	for (unsigned int turn = 0; r == -EBUSY; turn++) {
		r = empty(cgroup, i, deadline, err);
		if (r < 0)
			return r;
		(void)driver_priv_walk(cgroup->fds[i], &leaves);
		r = try_rmdir(&cgroup->place.dirs.v[i], err);
		if (r == -EBUSY && !clock_left(deadline))
			return err_errno(err, EBUSY, "remove the cgroup %s%s",
					 cgroup->place.dirs.v[i].mount,
					 cgroup->place.dirs.v[i].path);
		if (r == -EBUSY) /* the last one is dead and not yet off the group's list */
			driver_priv_pause(turn);
	}
	return r;
}

/* The first failure is the one to tell; the rest is removed all the same. */
static int keep_first(int result, int r, const struct err *new, struct err *err)
{
	if (result < 0 || r >= 0)
		return result;
	*err = *new;
	return r;
}

/* Whatever a damaged state names: a group that holds usrun itself is not a container's. */
static int check_not_ours(const struct cgroup *cgroup, int dir, struct err *err)
{
	struct arena arena = { 0 };
	struct driver_priv_pids pids = { .arena = &arena };
	int r = driver_priv_list(cgroup->fds[dir], &pids, err);

	for (size_t i = 0; r == 0 && i < pids.n; i++)
		if (pids.v[i] == getpid())
			r = err_set(
				err, EINVAL,
				"\"%s%s\" is not the cgroup of a container: usrun itself is in it",
				cgroup->place.dirs.v[dir].mount, cgroup->place.dirs.v[dir].path);
	arena_free(&arena);
	return r;
}

static int remove_all_busy(const struct cgroup *cgroup, struct err *err)
{
	long long deadline = clock_now() + TIMEOUT_MS;
	int v2 = driver_priv_v2(cgroup), result = 0;

	for (size_t i = 0; result == 0 && i < cgroup->place.dirs.n; i++)
		if (cgroup->fds[i] >= 0)
			result = check_not_ours(cgroup, (int)i, err);
	if (result == 0 && v2 >= 0)
		result = empty(cgroup, v2, deadline, err);
	if (result < 0) /* with processes that cannot be ended, nothing can be removed */
		return result;
	for (size_t i = 0; i < cgroup->place.dirs.n; i++) {
		struct err new = { 0 };

		if (cgroup->fds[i] >= 0)
			result = keep_first(result, remove_busy(cgroup, (int)i, deadline, &new),
					    &new, err);
	}
	return result;
}

static int remove_busy_dirs(const struct cgroup_place *place, struct err *err)
{
	struct cgroup cgroup;
	int r = driver_open(place, &cgroup, err);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	r = remove_all_busy(&cgroup, err);
	driver_close(&cgroup);
	return r;
}

/* Where usrun stepped aside to (driver_controllers.c). Fails while somebody is in it, which is right. */
static void remove_runtime_group(const struct cgroup_dir *dir)
{
	struct driver_priv_path buf;
	size_t len = strlen(driver_priv_path(dir, &buf));
	char *slash = strrchr(buf.text, '/');

	if (!len || !slash ||
	    (size_t)(slash - buf.text) + sizeof("/usrun.runtime") > sizeof(buf.text))
		return;
	(void)strcpy(slash, "/usrun.runtime");
	(void)rmdir(buf.text);
}

static bool is_marked(const char *path)
{
	return getxattr(path, DRIVER_PRIV_MADE, NULL, 0) >= 0;
}

/* Parents that were made for the group, or for one that has gone before it. One that others use by now is not
 * empty, and stays with all above. */
static void remove_parents(const struct cgroup_dir *dir)
{
	struct driver_priv_path buf;
	size_t mount = strlen(dir->mount), keep = SIZE_MAX;

	if (!*driver_priv_path(dir, &buf))
		return;
	if (dir->existing.set && dir->existing.v >= 0)
		keep = mount + (size_t)dir->existing.v;
	for (;;) {
		char *slash = strrchr(buf.text, '/');

		if (!slash || slash <= buf.text + mount)
			return;
		*slash = '\0';
		if (strlen(buf.text) <= keep && !is_marked(buf.text))
			return;
		if (rmdir(buf.text) < 0 && errno != ENOENT)
			return;
	}
}

static int remove_dirs(const struct cgroup_place *place, bool kill, struct err *err)
{
	bool busy = false;
	int result = 0;

	for (size_t i = 0; i < place->dirs.n; i++) {
		struct err new = { 0 };
		int r = driver_priv_check(&place->dirs.v[i], &new);

		if (r == 0)
			r = try_rmdir(&place->dirs.v[i], &new);
		busy = busy || r == -EBUSY;
		if (r != -EBUSY)
			result = keep_first(result, r, &new, err);
	}
	if (busy && result == 0 && !kill)
		return -EBUSY;
	if (busy && result == 0)
		result = remove_busy_dirs(place, err);
	if (result == 0 && place->kind == CGROUP_DRIVER_V2 && place->dirs.n)
		remove_runtime_group(&place->dirs.v[0]);
	for (size_t i = 0; result == 0 && i < place->dirs.n; i++)
		remove_parents(&place->dirs.v[i]);
	return result;
}

int driver_remove_empty(const struct cgroup_place *place, struct err *err)
{
	return remove_dirs(place, false, err);
}

int driver_remove(const struct cgroup_place *place, struct err *err)
{
	return remove_dirs(place, true, err);
}
