/* SPDX-License-Identifier: Apache-2.0 */
/* Making, joining and opening. A v2 host has one directory, a v1 host one for each hierarchy, a hybrid host
 * those and one in the v2 tree, which has no controllers but can kill, freeze and tell. */
#include "src/cgroup/driver_priv.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/path.h"
#include "src/base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool driver_priv_has(const char *controllers, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = controllers; *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == len && strncmp(at, word, len) == 0)
			return true;
	return false;
}

int driver_priv_v2(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->n_dirs; i++)
		if (cgroup->fds[i] >= 0 && driver_priv_is_v2(&cgroup->dirs[i]))
			return (int)i;
	return -1;
}

int driver_priv_find(const struct cgroup *cgroup, const char *controller)
{
	for (size_t i = 0; i < cgroup->n_dirs; i++)
		if (cgroup->fds[i] >= 0 && driver_priv_has(cgroup->dirs[i].controllers, controller))
			return (int)i;
	return -1;
}

int driver_priv_any(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->n_dirs; i++)
		if (cgroup->fds[i] >= 0)
			return (int)i;
	return -1;
}

static void start(struct cgroup *cgroup, enum cgroup_driver_kind kind, const struct cgroup_dir *dirs,
		  size_t n_dirs)
{
	*cgroup = (struct cgroup){ .kind = kind, .dirs = dirs, .n_dirs = n_dirs };
	for (size_t i = 0; i < DRIVER_MAX_DIRS; i++)
		cgroup->fds[i] = cgroup->join_fds[i] = -1;
}

void driver_close(struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->n_dirs; i++) {
		fd_closep(&cgroup->fds[i]);
		fd_closep(&cgroup->join_fds[i]);
	}
	cgroup->n_dirs = 0;
}

/* A new v1 cpuset is empty, and a process cannot join an empty one. */
static void fill_cpuset(int parent, int child)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

	for (size_t i = 0; i < 2; i++) {
		char text[4096];

		if (io_read_small(child, files[i], text, sizeof(text)) > 0)
			continue;
		if (io_read_small(parent, files[i], text, sizeof(text)) > 0)
			(void)io_write_at(child, files[i], text);
	}
}

/* The controllers that limits are wanted for, passed down one level. What is refused shows when the limit
 * is written; to enable more than is needed would cost every process of the host. */
static void enable_controllers(int parent, const struct cgroup_plan *plan)
{
	for (size_t i = 0; i < plan->n_writes; i++) {
		char word[64];

		if (str_equal(plan->writes[i].controller, "cgroup"))
			continue;
		(void)snprintf(word, sizeof(word), "+%s", plan->writes[i].controller);
		(void)io_write_at(parent, "cgroup.subtree_control", word);
	}
}

static int descend(const struct cgroup_plan *plan, const struct cgroup_dir *dir, int parent, const char *name,
		   bool *ret_made)
{
	int child;

	if (driver_priv_is_v2(dir) && plan->driver == CGROUP_DRIVER_V2)
		enable_controllers(parent, plan);
	*ret_made = mkdirat(parent, name, 0755) == 0;
	if (!*ret_made && errno != EEXIST)
		return -errno;
	child = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (child < 0)
		return -errno;
	if (driver_priv_has(dir->controllers, "cpuset"))
		fill_cpuset(parent, child);
	return child;
}

/* ret_made: whether the group itself, and not only a parent, is new. */
static int make_dir(const struct cgroup_plan *plan, const struct cgroup_dir *dir, bool *ret_made,
		    struct err *err)
{
	int fd = open(dir->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[256];

	if (fd < 0)
		return err_errno(err, errno, "open the cgroup hierarchy %s", dir->mount);
	for (const char *at = dir->path + 1; *at; at += strspn(at, "/")) {
		size_t len = strcspn(at, "/");
		int child;

		if (len >= sizeof(name)) {
			fd_closep(&fd);
			return err_errno(err, ENAMETOOLONG, "make the cgroup %s%s", dir->mount, dir->path);
		}
		memcpy(name, at, len);
		name[len] = '\0';
		child = descend(plan, dir, fd, name, ret_made);
		fd_closep(&fd);
		if (child < 0)
			return err_errno(err, -child, "make the cgroup %s%s", dir->mount, dir->path);
		fd = child;
		at += len;
	}
	return fd;
}

/* LX-033: somebody else's processes, or a freezer that was left on, would surprise both. */
static int check_unused(const struct cgroup *cgroup, size_t i, struct err *err)
{
	const struct cgroup_dir *dir = &cgroup->dirs[i];
	char text[4096];
	int n = 0;

	if (io_read_small(cgroup->fds[i], "cgroup.procs", text, sizeof(text)) > 0) {
		for (const char *c = text; *c; c++)
			n += *c == '\n';
		return err_set(err, EBUSY, "container's cgroup is not empty: %d process(es) found in %s%s", n + 1,
			       dir->mount, dir->path);
	}
	if ((io_read_small(cgroup->fds[i], "freezer.state", text, sizeof(text)) > 0 &&
	     !str_equal(text, "THAWED")) ||
	    (io_read_small(cgroup->fds[i], "cgroup.freeze", text, sizeof(text)) > 0 && str_equal(text, "1")))
		return err_set(err, EBUSY, "container's cgroup unexpectedly frozen: %s%s", dir->mount, dir->path);
	return 0;
}

static int create_one(const struct cgroup_plan *plan, struct cgroup *cgroup, size_t i, bool *ret_made,
		      struct err *err)
{
	const struct cgroup_dir *dir = &cgroup->dirs[i];
	int r = cgroup->fds[i] = make_dir(plan, dir, ret_made, err);

	if (r >= 0)
		r = check_unused(cgroup, i, err);
	if (r < 0 || driver_priv_is_v2(dir))
		return r;
	cgroup->join_fds[i] = openat(cgroup->fds[i], "tasks", O_WRONLY | O_CLOEXEC);
	if (cgroup->join_fds[i] < 0)
		return err_errno(err, errno, "open %s%s/tasks", dir->mount, dir->path);
	return 0;
}

static void remove_made(const struct cgroup_plan *plan, const bool *made)
{
	for (size_t i = 0; i < plan->n_dirs; i++) {
		_cleanup_close_ int mount = -1;

		if (made[i])
			mount = open(plan->dirs[i].mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (mount >= 0)
			(void)unlinkat(mount, plan->dirs[i].path + 1, AT_REMOVEDIR);
	}
}

int driver_create(const struct cgroup_plan *plan, struct cgroup *ret, struct err *err)
{
	bool made[DRIVER_MAX_DIRS] = { false };
	int r = 0;

	if (plan->n_dirs > DRIVER_MAX_DIRS)
		return err_set(err, E2BIG, "the host has %zu cgroup hierarchies, more than %d", plan->n_dirs,
			       DRIVER_MAX_DIRS);
	start(ret, plan->driver, plan->dirs, plan->n_dirs);
	for (size_t i = 0; r >= 0 && i < plan->n_dirs; i++)
		r = create_one(plan, ret, i, &made[i], err);
	if (r < 0)
		remove_made(plan, made);
	if (r < 0)
		driver_close(ret);
	return r < 0 ? r : 0;
}

int driver_clone_fd(const struct cgroup *cgroup)
{
	int i = driver_priv_v2(cgroup);

	return i < 0 ? -1 : cgroup->fds[i];
}

int driver_join_self(const struct cgroup *cgroup, struct err *err)
{
	for (size_t i = 0; i < cgroup->n_dirs; i++) {
		const struct cgroup_dir *dir = &cgroup->dirs[i];
		int r;

		if (cgroup->fds[i] < 0 || driver_priv_is_v2(dir))
			continue;
		/* "tasks" moves this thread alone, without the lock that cgroup.procs waits for. */
		r = cgroup->join_fds[i] >= 0 ? io_write_all(cgroup->join_fds[i], "0", 1) :
					       io_write_at(cgroup->fds[i], "tasks", "0");
		if (r < 0)
			return err_errno(err, -r, "join the cgroup %s%s", dir->mount, dir->path);
	}
	return 0;
}

/* Never a path that leaves its hierarchy, whatever a damaged state says. */
static int check_dir(const struct cgroup_dir *dir, struct err *err)
{
	if (*dir->path != '/' || !dir->path[1] || path_has_dotdot(dir->path) || path_has_dotdot(dir->mount) ||
	    !path_is_below(dir->mount, "/sys/fs/cgroup"))
		return err_set(err, EINVAL, "\"%s%s\" is not the cgroup of a container", dir->mount, dir->path);
	return 0;
}

int driver_open(enum cgroup_driver_kind kind, const struct cgroup_dir *dirs, size_t n_dirs,
		struct cgroup *ret, struct err *err)
{
	size_t found = 0;

	start(ret, kind, dirs, n_dirs < DRIVER_MAX_DIRS ? n_dirs : DRIVER_MAX_DIRS);
	for (size_t i = 0; i < ret->n_dirs; i++) {
		_cleanup_close_ int mount = -1;
		int r = check_dir(&dirs[i], err);

		if (r < 0) {
			driver_close(ret);
			return r;
		}
		mount = open(dirs[i].mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (mount >= 0)
			ret->fds[i] = openat(mount, dirs[i].path + 1,
					     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		found += ret->fds[i] >= 0;
	}
	if (found)
		return 0;
	driver_close(ret);
	return err_set(err, ENOENT, "the cgroup %s is gone", n_dirs ? dirs[0].path : "");
}
