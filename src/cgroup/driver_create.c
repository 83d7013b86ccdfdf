/* SPDX-License-Identifier: Apache-2.0 */
/* Making the directories. Most are one mkdir: only a v2 tree (controllers are passed on at each level), a v1
 * cpuset (a new one is empty, and nobody can join an empty one) and missing parents need a walk. */
#include "src/cgroup/driver_priv.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { TRIES = 3 };

struct making {
	const struct cgroup_plan *plan;
	const struct cgroup_dir *dir;
	size_t made;    /* length of the path up to the first group that this call made; 0: none */
	bool unmounted; /* the host has lost the hierarchy */
};

static int make_failed(const struct making *m, int error, struct err *err)
{
	(void)err_errno(err, error, "make the cgroup %s%s", m->dir->mount, m->dir->path);
	if (error == EACCES || error == EPERM || error == EROFS)
		err_hint(err,
			 "the caller may make no groups there: `usrun facts` shows its own group; "
			 "--cgroup-manager disabled goes without");
	if (error == EAGAIN)
		err_hint(err, "cgroup.max.descendants or cgroup.max.depth of a group above it is "
			      "reached");
	return -error;
}

static int fill_cpuset(int parent, int child, const char *file)
{
	char text[4096];

	if (io_read_small(child, file, text, sizeof(text)) != 0)
		return 0;
	if (io_read_small(parent, file, text, sizeof(text)) <= 0)
		return 0;
	return io_write_at(child, file, text);
}

/* Whoever comes later finds the group there, and may be the last to go. A kernel or a mount without extended
 * attributes has only what the state of the first says. */
static void mark_made(int fd)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	(void)setxattr(path, DRIVER_PRIV_MADE, "1", 1, 0);
}

/* One level: the group `name` in parent, made if it is missing. Its descriptor. */
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
	if (!driver_priv_has(m->dir->controllers, "cpuset", ','))
		return child;
	r = fill_cpuset(parent, child, "cpuset.cpus");
	if (r == 0)
		r = fill_cpuset(parent, child, "cpuset.mems");
	if (r == 0)
		return child;
	fd_closep(&child);
	return err_errno(err, -r, "copy the cpuset of the parent of %s%s", m->dir->mount,
			 m->dir->path);
}

/* -ENOENT comes without a text: a parent was removed meanwhile, or the hierarchy is not mounted. */
static int walk_down(struct making *m, struct err *err)
{
	_cleanup_close_ int fd = openat(AT_FDCWD, m->dir->mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *path = m->dir->path, *at = path + 1;
	char name[NAME_MAX + 1] = "/";

	m->unmounted = fd < 0 && errno == ENOENT;
	if (fd < 0)
		return m->unmounted ? -ENOENT : make_failed(m, errno, err);
	while (*at) {
		size_t len = strcspn(at, "/");
		int r = 0;

		if (m->plan->place.kind == CGROUP_DRIVER_V2)
			r = driver_priv_pass_on(m->plan, fd, name, err);
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
	struct driver_priv_path buf;

	if (!*driver_priv_path(dir, &buf) || !strchr(dir->path + 1, '/'))
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
	struct driver_priv_path buf;

	if (!m->made || !*driver_priv_path(m->dir, &buf))
		return;
	while (strlen(buf.text) >= mount + m->made) {
		if (rmdir(buf.text) < 0 && errno != ENOENT)
			return;
		*strrchr(buf.text, '/') = '\0';
	}
}

static int make(struct making *m, struct err *err)
{
	struct driver_priv_path buf;
	int fd;

	if (!*driver_priv_path(m->dir, &buf))
		return make_failed(m, ENAMETOOLONG, err);
	if (m->plan->place.kind != CGROUP_DRIVER_V2 &&
	    !driver_priv_has(m->dir->controllers, "cpuset", ',') && mkdir(buf.text, 0755) == 0) {
		m->made = strlen(m->dir->path);
		fd = openat(AT_FDCWD, buf.text, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return fd < 0 ? make_failed(m, errno, err) : fd;
	}
	for (int i = 0; i < TRIES; i++) {
		int r = walk_down(m, err);

		if (r != -ENOENT || m->unmounted)
			return r;
		/* another container that was the last in a parent has just taken it away */
	}
	return make_failed(m, ENOENT, err);
}

/* A group that passes controllers on cannot hold processes. One that had groups below it may still be set
 * to; with none left it can be told to stop. */
static int keep_controllers(const struct cgroup_dir *dir, int fd, struct err *err)
{
	char text[256], less[2 * sizeof(text)] = "", *save = NULL;
	size_t len = 0;
	int r;

	if (io_read_small(fd, "cgroup.subtree_control", text, sizeof(text)) <= 0)
		return 0;
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		len += (size_t)snprintf(less + len, sizeof(less) - len, "%s-%s", len ? " " : "",
					word);
	r = io_write_at(fd, "cgroup.subtree_control", less);
	return r < 0 ? err_errno(err, -r, "container's cgroup %s%s is in use by groups below it",
				 dir->mount, dir->path)
		     : 0;
}

static int check_empty(const struct cgroup_dir *dir, int fd, struct err *err)
{
	struct arena arena = { 0 };
	struct driver_priv_pids pids = { .arena = &arena };
	int r = driver_priv_list(fd, &pids, err);

	arena_free(&arena);
	if (r < 0)
		return r;
	if (pids.n)
		return err_set(err, EBUSY,
			       "container's cgroup is not empty: %zu process(es) found in %s%s",
			       pids.n, dir->mount, dir->path);
	return driver_priv_is_v2(dir) ? keep_controllers(dir, fd, err) : 0;
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

/* LX-033: somebody else's processes, or a freezer that was left on, would surprise both. A group that was
 * just made is empty, and below the root, which cannot be frozen, not frozen either. */
static int check_unused(const struct making *m, int fd, struct err *err)
{
	/* the container's own process is in a unit that systemd has made for it */
	bool fresh = m->made || m->plan->unit,
	     freezes = driver_priv_is_v2(m->dir) ||
		       driver_priv_has(m->dir->controllers, "freezer", ',');
	int r = fresh ? 0 : check_empty(m->dir, fd, err);

	if (r == 0 && freezes && !(fresh && !strchr(m->dir->path + 1, '/')) && is_frozen(fd))
		return err_set(err, EBUSY, "container's cgroup unexpectedly frozen: %s%s",
			       m->dir->mount, m->dir->path);
	return r;
}

/* Processes of others are in all hierarchies at once, so one directory tells. */
int driver_check_unused(const struct cgroup_plan *plan, struct err *err)
{
	struct making m = { .plan = plan, .dir = plan->place.dirs.v };
	struct driver_priv_path buf;
	_cleanup_close_ int fd = -1;

	if (plan->unit || !plan->place.dirs.n || !*driver_priv_path(m.dir, &buf))
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
	if (r < 0 || !ret_join || driver_priv_is_v2(m->dir))
		return r;
	*ret_join = openat(fd, "tasks", O_WRONLY | O_CLOEXEC);
	if (*ret_join < 0)
		return err_errno(err, errno, "open %s%s/tasks", m->dir->mount, m->dir->path);
	return 0;
}

bool driver_is_in(const struct cgroup_dir *dir, enum driver_part part)
{
	return part == DRIVER_ALL || driver_priv_is_v2(dir) == (part == DRIVER_V2_PART);
}

int driver_create(const struct cgroup_plan *plan, enum driver_part part, struct cgroup *ret,
		  struct err *err)
{
	struct making made[DRIVER_MAX_DIRS];
	size_t n = 0;
	int r = 0;

	if (plan->place.dirs.n > DRIVER_MAX_DIRS)
		return err_set(err, E2BIG, "the host has %zu cgroup hierarchies, more than %d",
			       plan->place.dirs.n, DRIVER_MAX_DIRS);
	if (part != DRIVER_V1_PART || !ret->place.dirs.n)
		driver_priv_init(ret, &plan->place);
	for (; r == 0 && n < plan->place.dirs.n; n++) {
		made[n] = (struct making){ .plan = plan, .dir = &plan->place.dirs.v[n] };
		if (!driver_is_in(made[n].dir, part))
			continue;
		r = driver_priv_check(made[n].dir, err);
		if (r == 0)
			r = create_one(&made[n], &ret->fds[n],
				       part == DRIVER_ALL ? &ret->join_fds[n] : NULL, err);
	}
	if (r == 0 && part != DRIVER_V2_PART && driver_priv_any(ret) < 0)
		r = err_set(err, ENOENT,
			    "make the container's cgroup: none of its hierarchies is mounted");
	if (r == 0)
		return 0;
	while (n-- > 0)
		take_back(&made[n]);
	driver_close(ret);
	return r;
}
