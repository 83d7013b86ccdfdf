/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and joining. A v2 host has one directory, a v1 host one for each hierarchy, a hybrid host those
 * and one in the v2 tree, which limits nothing but can kill, freeze and tell.
 *
 * How a process gets in: clone3(CLONE_INTO_CGROUP) into the v2 tree costs nothing. A write to cgroup.procs
 * takes the lock of all thread groups, and the first one in a while waits for a grace period, 8 to 11 ms
 * measured; cgroup.threads goes without, but is refused (EOPNOTSUPP) outside of threaded groups. v1 has
 * `tasks`, which moves one thread without that lock, 50 to 140 µs: all of a process that has one thread. */
#include "src/cgroup/driver_priv.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/path.h"
#include "src/base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

bool driver_priv_has(const char *list, const char *word, char separator)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == separator) && (at[len] == separator || !at[len]))
			return true;
	return false;
}

int driver_priv_v2(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->place.dirs.n; i++)
		if (cgroup->fds[i] >= 0 && driver_priv_is_v2(&cgroup->place.dirs.v[i]))
			return (int)i;
	return -1;
}

int driver_priv_find(const struct cgroup *cgroup, const char *controller)
{
	for (size_t i = 0; i < cgroup->place.dirs.n; i++)
		if (cgroup->fds[i] >= 0 &&
		    driver_priv_has(cgroup->place.dirs.v[i].controllers, controller, ','))
			return (int)i;
	return -1;
}

int driver_priv_any(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->place.dirs.n; i++)
		if (cgroup->fds[i] >= 0)
			return (int)i;
	return -1;
}

const char *driver_priv_path(const struct cgroup_dir *dir, struct driver_priv_path *buf)
{
	int n = snprintf(buf->text, sizeof(buf->text), "%s%s", dir->mount, dir->path);

	if (n < 0 || (size_t)n >= sizeof(buf->text))
		*buf->text = '\0'; /* a cut path would be another group; an empty one is nowhere */
	return buf->text;
}

void driver_priv_init(struct cgroup *cgroup, const struct cgroup_place *place)
{
	*cgroup = (struct cgroup){ .place = *place };
	if (place->dirs.n > DRIVER_MAX_DIRS)
		cgroup->place.dirs.n = DRIVER_MAX_DIRS;
	for (size_t i = 0; i < DRIVER_MAX_DIRS; i++)
		cgroup->fds[i] = cgroup->join_fds[i] = -1;
}

void driver_close(struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->place.dirs.n; i++) {
		fd_closep(&cgroup->fds[i]);
		fd_closep(&cgroup->join_fds[i]);
	}
	cgroup->place.dirs.n = 0;
}

int driver_clone_fd(const struct cgroup *cgroup)
{
	int i = driver_priv_v2(cgroup);

	return i < 0 ? -1 : cgroup->fds[i];
}

static int join_failed(const struct cgroup_dir *dir, int error, struct err *err)
{
	(void)err_errno(err, error, "join the cgroup %s%s", dir->mount, dir->path);
	if (error == ENOSPC)
		err_hint(err, "the group has no processors or memory nodes: "
			      "linux.resources.cpu.cpus and mems, or "
			      "cpuset.cpus and cpuset.mems of the groups above it");
	if (error == EBUSY)
		err_hint(err, "groups below it have controllers, and then it cannot hold processes "
			      "itself");
	return -error;
}

int driver_join_self(const struct cgroup *cgroup, struct err *err)
{
	for (size_t i = 0; i < cgroup->place.dirs.n; i++) {
		int r;

		if (cgroup->fds[i] < 0 || driver_priv_is_v2(&cgroup->place.dirs.v[i]))
			continue;
		r = cgroup->join_fds[i] >= 0 ? io_write_all(cgroup->join_fds[i], "0", 1)
					     : io_write_at(cgroup->fds[i], "tasks", "0");
		if (r < 0)
			return join_failed(&cgroup->place.dirs.v[i], -r, err);
	}
	return 0;
}

int driver_join_by_path(const struct cgroup_place *place, struct err *err)
{
	for (size_t i = 0; i < place->dirs.n; i++) {
		const struct cgroup_dir *dir = &place->dirs.v[i];
		char tasks[PATH_MAX];
		int n = snprintf(tasks, sizeof(tasks), "%s%s/tasks", dir->mount, dir->path), r;

		if (driver_priv_is_v2(dir))
			continue;
		if ((size_t)n >= sizeof(tasks)) /* a cut path would be another group */
			return join_failed(dir, ENAMETOOLONG, err);
		r = io_write_at(AT_FDCWD, tasks, "0");
		if (r == -ENOENT && access(dir->mount, F_OK) < 0)
			continue; /* the host has lost the hierarchy */
		if (r < 0)
			return join_failed(dir, -r, err);
	}
	return 0;
}

int driver_join_self_slowly(const struct cgroup *cgroup, struct err *err)
{
	int v2 = driver_priv_v2(cgroup), r = 0;

	if (v2 >= 0)
		r = io_write_at(cgroup->fds[v2], "cgroup.procs", "0");
	return r < 0 ? join_failed(&cgroup->place.dirs.v[v2], -r, err)
		     : driver_join_self(cgroup, err);
}

/* The type of a file system cannot be forged by a path; the root of a hierarchy is everybody's group. */
int driver_priv_check(const struct cgroup_dir *dir, struct err *err)
{
	struct driver_priv_path buf;
	struct statfs fs;

	if (*dir->path == '/' && dir->path[strspn(dir->path, "/.")] &&
	    !path_has_dotdot(dir->path) && *dir->mount == '/' && !path_has_dotdot(dir->mount) &&
	    *driver_priv_path(dir, &buf)) {
		if (statfs(dir->mount, &fs) < 0 || fs.f_type == CGROUP2_SUPER_MAGIC ||
		    fs.f_type == CGROUP_SUPER_MAGIC)
			return 0;
	}
	return err_set(err, EINVAL, "\"%s%s\" is not the cgroup of a container", dir->mount,
		       dir->path);
}

static int open_dirs(struct cgroup *cgroup, bool main_only, struct err *err)
{
	struct driver_priv_path buf;
	size_t found = 0;

	for (size_t i = 0; i < cgroup->place.dirs.n; i++) {
		const struct cgroup_dir *dir = &cgroup->place.dirs.v[i];
		int r;

		if (main_only && !driver_priv_is_v2(dir) &&
		    !driver_priv_has(dir->controllers, "freezer", ','))
			continue;
		r = driver_priv_check(dir, err);
		if (r < 0)
			return r;
		cgroup->fds[i] = openat(AT_FDCWD, driver_priv_path(dir, &buf),
					O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (cgroup->fds[i] < 0 && errno != ENOENT)
			return err_errno(err, errno, "open the cgroup %s", buf.text);
		found += cgroup->fds[i] >= 0;
	}
	return found > 0;
}

static int open_group(struct cgroup *cgroup, bool main_only, struct err *err)
{
	int r = open_dirs(cgroup, main_only, err);

	if (r == 0 && main_only)
		r = open_dirs(cgroup, false, err);
	if (r == 0)
		r = err_set(err, ENOENT, "the cgroup %s is gone",
			    cgroup->place.dirs.n ? cgroup->place.dirs.v[0].path : "");
	if (r < 0)
		driver_close(cgroup);
	return r < 0 ? r : 0;
}

int driver_open(const struct cgroup_place *place, struct cgroup *ret, struct err *err)
{
	driver_priv_init(ret, place);
	return open_group(ret, false, err);
}

int driver_open_main(const struct cgroup_place *place, struct cgroup *ret, struct err *err)
{
	driver_priv_init(ret, place);
	return open_group(ret, true, err);
}
