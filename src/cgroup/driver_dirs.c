/* SPDX-License-Identifier: Apache-2.0 */
/* Creating and removing the directories.
 *
 * Usually one mkdir is enough. Only a v2 tree (controllers are passed on at each level), a v1
 * cpuset (a new one is empty, and an empty one cannot be joined) and missing parents need a walk.
 *
 * Once a container has ended, removal is one rmdir per hierarchy. Processes left inside are killed
 * and waited for: in v2 with cgroup.events, whose "populated 0" is the condition for rmdir; in v1
 * with a pidfd for each process, because a process leaves its cgroups before its pidfd reports the
 * end. */
#include "src/cgroup/driver.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/cgroup/v1.h"
#include "src/cgroup/v2.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { TRIES = 3, KILL_AGAIN_MS = 500 };

/* Set on parents created for a container's cgroup: whoever deletes the last container below removes
 * them. */
#define MADE "user.usrun.made"

struct making {
	const struct cgroup_plan *plan;
	const struct cgroup_dir *dir;
	size_t made;    /* length of the path up to the first cgroup created; 0: none */
	bool unmounted; /* the hierarchy is no longer mounted */
};

static int make_failed(const struct making *m, int error, struct err *err)
{
	(void)err_errno(err, error, "create the cgroup %s%s", m->dir->mount, m->dir->path);
	if (error == EACCES || error == EPERM || error == EROFS)
		err_hint(err, "the caller may not create cgroups there: `usrun facts` shows its "
			      "own; --cgroup-manager disabled runs without one");
	if (error == EAGAIN)
		err_hint(err, "a cgroup above it has reached its cgroup.max.descendants or "
			      "cgroup.max.depth");
	return -error;
}

/* Later containers share the parent, and the last one to go removes it. On a kernel or mount
 * without extended attributes, only the state of the first one records this. */
static void mark_made(int fd)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	(void)setxattr(path, MADE, "1", 1, 0);
}

/* Descends one level, to the cgroup `name` in `parent`, which is created if missing. Returns its
 * descriptor. */
static int descend(struct making *m, int parent, const char *name, size_t upto, struct err *err)
{
	int r = mkdirat(parent, name, 0755) < 0 ? -errno : 0, child;

	if (r == 0 && !m->made)
		m->made = upto;
	if (r < 0 && r != -EEXIST)
		return r == -ENOENT || r == -ENODEV ? -ENOENT : make_failed(m, -r, err);
	child = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (child < 0)
		return errno == ENOENT ? -errno : make_failed(m, errno, err);
	if (r == 0 && m->dir->path[upto])
		mark_made(child);
	if (!str_has_word(m->dir->controllers, "cpuset", ','))
		return child;
	r = v1_inherit_cpuset(parent, child);
	if (r == 0)
		return child;
	fd_closep(&child);
	return err_errno(err, -r, "copy the cpuset of the parent of %s%s", m->dir->mount,
			 m->dir->path);
}

/* -ENOENT comes without a text: a parent has been removed meanwhile, or the hierarchy is not
 * mounted. */
static int walk_down(struct making *m, struct err *err)
{
	_cleanup_close_ int fd = openat(AT_FDCWD, m->dir->mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool main = m->plan->place.kind == CGROUP_DRIVER_V2;
	const char *path = m->dir->path, *at = path + 1;
	char name[NAME_MAX + 1] = "/";

	m->unmounted = fd < 0 && errno == ENOENT;
	if (fd < 0)
		return m->unmounted ? -ENOENT : make_failed(m, errno, err);
	while (*at) {
		size_t len = strcspn(at, "/");
		int r = 0;

		if (group_is_v2(m->dir))
			r = main ? v2_pass_on(m->plan, fd, name, err)
				 : v2_pass_needs(m->plan, fd, name, err);
		if (r == 0 && len > NAME_MAX)
			r = make_failed(m, ENAMETOOLONG, err);
		if (r < 0)
			return r;
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, at);
		at += len;
		r = descend(m, fd, name, (size_t)(at - path), err);
		if (r < 0)
			return r;
		fd_closep(&fd);
		fd = r;
		at += strspn(at, "/");
	}
	return fd_take(&fd);
}

static struct json_int existing_part(const struct cgroup_dir *dir)
{
	size_t mount = strlen(dir->mount), parent;
	struct group_path buf;

	if (!*group_path(dir, &buf) || !strchr(dir->path + 1, '/'))
		return (struct json_int){ 0 };
	*strrchr(buf.text, '/') = '\0';
	parent = strlen(buf.text);
	while (strlen(buf.text) > mount && access(buf.text, F_OK) < 0 && errno == ENOENT)
		*strrchr(buf.text, '/') = '\0';
	return (struct json_int){ strlen(buf.text) < parent, (int64_t)(strlen(buf.text) - mount) };
}

struct cgroup_place driver_find_existing(struct arena *arena, const struct cgroup_place *place)
{
	struct cgroup_dir *dirs = arena_array(arena, place->dirs.n + 1, sizeof(*dirs));

	for (size_t i = 0; i < place->dirs.n; i++) {
		dirs[i] = place->dirs.v[i];
		dirs[i].existing = existing_part(&dirs[i]);
	}
	return (struct cgroup_place){ place->kind, { dirs, place->dirs.n } };
}

static void take_back(const struct making *m)
{
	size_t mount = strlen(m->dir->mount);
	struct group_path buf;

	if (!m->made || !*group_path(m->dir, &buf))
		return;
	while (strlen(buf.text) >= mount + m->made) {
		if (rmdir(buf.text) < 0 && errno != ENOENT)
			return;
		*strrchr(buf.text, '/') = '\0';
	}
}

/* Whether nothing has to be copied or passed on at each level. */
static bool is_one_mkdir(const struct making *m)
{
	if (m->plan->place.kind == CGROUP_DRIVER_V2 ||
	    str_has_word(m->dir->controllers, "cpuset", ','))
		return false;
	for (size_t i = 0; i < m->plan->n_writes && group_is_v2(m->dir); i++)
		if (m->plan->writes[i].unified)
			return false;
	return true;
}

static int make(struct making *m, struct err *err)
{
	struct group_path buf;
	int fd;

	if (!*group_path(m->dir, &buf))
		return make_failed(m, ENAMETOOLONG, err);
	if (is_one_mkdir(m) && mkdir(buf.text, 0755) == 0) {
		m->made = strlen(m->dir->path);
		fd = openat(AT_FDCWD, buf.text, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return fd < 0 ? make_failed(m, errno, err) : fd;
	}
	for (int i = 0; i < TRIES; i++) {
		int r = walk_down(m, err);

		if (r != -ENOENT || m->unmounted)
			return r;
		/* another container, the last one below a parent, has just removed that parent */
	}
	return make_failed(m, ENOENT, err);
}

static int check_empty(const struct cgroup_dir *dir, int fd, struct err *err)
{
	struct arena arena = { 0 };
	struct group_pids pids = { .arena = &arena };
	int r = group_list(fd, &pids, err);

	arena_free(&arena);
	if (r < 0)
		return r;
	if (pids.n)
		return err_set(err, EBUSY,
			       "container's cgroup is not empty: %zu process(es) found in %s%s",
			       pids.n, dir->mount, dir->path);
	return group_is_v2(dir) ? v2_keep_controllers(dir, fd, err) : 0;
}

static bool is_frozen(int fd)
{
	char text[256];

	if (io_read_small(fd, "freezer.state", text, sizeof(text)) > 0)
		return !str_equal(text, "THAWED");
	if (io_read_small(fd, "cgroup.freeze", text, sizeof(text)) > 0 && str_equal(text, "1"))
		return true;
	return io_read_small(fd, "cgroup.events", text, sizeof(text)) > 0 &&
	       strstr(text, "frozen 1");
}

/* LX-033: sharing a cgroup with other processes, or one left frozen, would surprise both sides. A
 * cgroup created just now is empty; it cannot be frozen either if its parent is the root, which
 * never is. */
static int check_unused(const struct making *m, int fd, struct err *err)
{
	/* the unit that systemd has created contains only the container's own process */
	bool fresh = m->made || m->plan->unit,
	     freezes = group_is_v2(m->dir) || str_has_word(m->dir->controllers, "freezer", ',');
	int r = fresh ? 0 : check_empty(m->dir, fd, err);

	if (r == 0 && freezes && !(fresh && !strchr(m->dir->path + 1, '/')) && is_frozen(fd))
		return err_set(err, EBUSY, "container's cgroup unexpectedly frozen: %s%s",
			       m->dir->mount, m->dir->path);
	return r;
}

/* Processes of others are in all hierarchies, so checking one directory is enough. */
int driver_check_unused(const struct cgroup_plan *plan, struct err *err)
{
	struct making m = { .plan = plan, .dir = plan->place.dirs.v };
	struct group_path buf;
	_cleanup_close_ int fd = -1;

	if (plan->unit || !plan->place.dirs.n || !*group_path(m.dir, &buf))
		return 0;
	fd = openat(AT_FDCWD, buf.text, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? 0 : check_unused(&m, fd, err);
}

static int create_one(struct making *m, int *ret_fd, int *ret_join, struct err *err)
{
	int fd = make(m, err), r;

	if (fd < 0)
		return m->unmounted ? 0 : fd;
	*ret_fd = fd;
	r = check_unused(m, fd, err);
	if (r < 0 || !ret_join || group_is_v2(m->dir))
		return r;
	*ret_join = openat(fd, "tasks", O_WRONLY | O_CLOEXEC);
	if (*ret_join < 0)
		return err_errno(err, errno, "open %s%s/tasks", m->dir->mount, m->dir->path);
	return 0;
}

bool driver_is_in(const struct cgroup_dir *dir, enum driver_part part)
{
	return part == DRIVER_ALL || group_is_v2(dir) == (part == DRIVER_V2_PART);
}

int driver_create(const struct cgroup_plan *plan, enum driver_part part, struct cgroup *ret,
		  struct err *err)
{
	struct making made[GROUP_MAX_DIRS];
	size_t n = 0;
	int r = 0;

	if (plan->place.dirs.n > GROUP_MAX_DIRS)
		return err_set(err, E2BIG,
			       "the host has %zu cgroup hierarchies; at most %d are supported",
			       plan->place.dirs.n, GROUP_MAX_DIRS);
	if (part != DRIVER_V1_PART || !ret->place.dirs.n)
		group_init(ret, &plan->place);
	for (; r == 0 && n < plan->place.dirs.n; n++) {
		made[n] = (struct making){ .plan = plan, .dir = &plan->place.dirs.v[n] };
		if (!driver_is_in(made[n].dir, part))
			continue;
		r = group_check(made[n].dir, err);
		if (r == 0)
			r = create_one(&made[n], &ret->fds[n],
				       part == DRIVER_ALL ? &ret->join_fds[n] : NULL, err);
	}
	if (r == 0 && part != DRIVER_V2_PART && group_any(ret) < 0)
		r = err_set(err, ENOENT,
			    "create the container's cgroup: none of its hierarchies is mounted");
	if (r == 0)
		return 0;
	while (n-- > 0)
		take_back(&made[n]);
	driver_close(ret);
	return r;
}

static int empty_v2(const struct cgroup *cgroup, int dir, long long deadline, struct err *err)
{
	for (;;) {
		long long again = clock_now() + KILL_AGAIN_MS;
		int r = driver_kill(cgroup, SIGKILL, err);

		if (r < 0)
			return r;
		r = v2_wait_event(cgroup->fds[dir], "populated 0",
				  again < deadline ? again : deadline);
		if (r != -ETIMEDOUT) /* an error here means that the cgroup is gone */
			return 0;
		if (!clock_left(deadline))
			return group_still_there(cgroup->fds[dir], err);
		/* a process joined after the kill, such as an exec in progress */
	}
}

static int empty(const struct cgroup *cgroup, int dir, long long deadline, struct err *err)
{
	return group_is_v2(&cgroup->place.dirs.v[dir]) ? empty_v2(cgroup, dir, deadline, err)
						       : v1_empty(cgroup, dir, deadline, err);
}

static int remove_leaf(int parent, const char *name, void *data)
{
	(void)data;
	(void)unlinkat(parent, name, AT_REMOVEDIR); /* if it fails, the top is retried */
	return 0;
}

/* rmdir by path: 0 also if it is missing, -EBUSY if it is in use. */
static int try_rmdir(const struct cgroup_dir *dir, struct err *err)
{
	struct group_path buf;

	if (rmdir(group_path(dir, &buf)) == 0 || errno == ENOENT || errno == ENODEV)
		return 0;
	if (errno == EBUSY || errno == ENOTEMPTY)
		return -EBUSY;
	return err_errno(err, errno, "remove the cgroup %s", buf.text);
}

/* The processes have left the main hierarchy. One that is only in this one (an exec killed between
 * two joins) is killed first. */
static int remove_busy(const struct cgroup *cgroup, int i, long long deadline, struct err *err)
{
	static const struct group_walk leaves = { .leave = remove_leaf };
	int r = -EBUSY;

	for (unsigned int turn = 0; r == -EBUSY; turn++) {
		r = empty(cgroup, i, deadline, err);
		if (r < 0)
			return r;
		(void)group_walk(cgroup->fds[i], &leaves);
		r = try_rmdir(&cgroup->place.dirs.v[i], err);
		if (r == -EBUSY && !clock_left(deadline))
			return err_errno(err, EBUSY, "remove the cgroup %s%s",
					 cgroup->place.dirs.v[i].mount,
					 cgroup->place.dirs.v[i].path);
		if (r == -EBUSY) /* the last process is dead but still on the cgroup's list */
			group_pause(turn);
	}
	return r;
}

/* Reports the first failure, but lets the rest be removed. */
static int keep_first(int result, int r, const struct err *new, struct err *err)
{
	if (result < 0 || r >= 0)
		return result;
	*err = *new;
	return r;
}

/* Even if a damaged state names it: a cgroup that contains usrun itself is not a container's. */
static int check_not_ours(const struct cgroup *cgroup, int dir, struct err *err)
{
	struct arena arena = { 0 };
	struct group_pids pids = { .arena = &arena };
	int r = group_list(cgroup->fds[dir], &pids, err);

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
	long long deadline = clock_now() + GROUP_PATIENCE_MS;
	int v2 = group_v2(cgroup), result = 0;

	for (size_t i = 0; result == 0 && i < cgroup->place.dirs.n; i++)
		if (cgroup->fds[i] >= 0)
			result = check_not_ours(cgroup, (int)i, err);
	if (result == 0 && v2 >= 0)
		result = empty(cgroup, v2, deadline, err);
	if (result < 0) /* if processes cannot be killed, no directory can be removed */
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

static bool is_marked(const char *path)
{
	return getxattr(path, MADE, NULL, 0) >= 0;
}

/* Removes parents created for this cgroup or an earlier one. A parent that others use by now is not
 * empty: it stays, and so do all above it. */
static void remove_parents(const struct cgroup_dir *dir)
{
	struct group_path buf;
	size_t mount = strlen(dir->mount), keep = SIZE_MAX;

	if (!*group_path(dir, &buf))
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
		int r = group_check(&place->dirs.v[i], &new);

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
		v2_remove_aside(&place->dirs.v[0]);
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
