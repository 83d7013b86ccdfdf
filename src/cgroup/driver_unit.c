/* SPDX-License-Identifier: Apache-2.0 */
/* Finding, completing and opening a cgroup that systemd has created for a process. */
#include "src/cgroup/driver.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/cgroup/v2.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The path on the line of /proc/PID/cgroup that belongs to a hierarchy, or NULL. */
static const char *path_in(struct arena *arena, const char *text, const char *controllers)
{
	size_t len = strlen(controllers);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		const char *colon;

		line += *line == '\n';
		colon = strchr(line, ':');
		if (!colon)
			return NULL;
		if (strncmp(colon + 1, controllers, len) == 0 && colon[1 + len] == ':')
			return arena_strndup(arena, colon + len + 2,
					     strcspn(colon + len + 2, "\n"));
	}
	return NULL;
}

static int read_groups(struct arena *arena, pid_t pid, char **ret, struct err *err)
{
	char path[40] = "/proc/self/cgroup";

	if (pid)
		(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	return io_read_file(AT_FDCWD, path, 1 << 20, arena, ret, NULL, err);
}

int driver_find(struct arena *arena, pid_t pid, const struct cgroup_place *place,
		struct cgroup_place *ret, struct err *err)
{
	struct cgroup_dir *dirs = arena_array(arena, place->dirs.n, sizeof(*dirs));
	char *text;
	int r = read_groups(arena, pid, &text, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < place->dirs.n; i++) {
		dirs[i] = place->dirs.v[i];
		dirs[i].path = path_in(arena, text, dirs[i].controllers);
		if (!dirs[i].path)
			dirs[i].path = "/";
	}
	*ret = (struct cgroup_place){ place->kind, { dirs, place->dirs.n } };
	return 0;
}

/* A missing one is skipped: the process may see a different hierarchy than we do. */
static int open_instead(const struct cgroup_dir *dir, int *ret, struct err *err)
{
	struct group_path buf;
	int fd = *group_path(dir, &buf)
			 ? open(buf.text, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
			 : -1;

	if (fd < 0 && *buf.text && errno != ENOENT)
		return err_errno(err, errno, "open the cgroup %s", buf.text);
	*ret = fd;
	return 0;
}

/* Opens the process's own cgroups in place of the missing ones. */
static int open_missing(struct arena *arena, pid_t pid, struct cgroup *cgroup, const char **ret,
			struct err *err)
{
	const struct cgroup_place place = cgroup->place;
	struct cgroup_dir *dirs = arena_array(arena, place.dirs.n + 1, sizeof(*dirs));
	struct cgroup_place now;
	int r = driver_find(arena, pid, &place, &now, err);

	if (r == -ENOENT || r == -ESRCH)
		return err_set(err, ESRCH, "the container's process %d has just exited", (int)pid);
	for (size_t i = 0; r == 0 && i < place.dirs.n; i++) {
		dirs[i] = cgroup->fds[i] < 0 ? now.dirs.v[i] : place.dirs.v[i];
		if (cgroup->fds[i] >= 0)
			continue;
		r = open_instead(&dirs[i], &cgroup->fds[i], err);
		if (cgroup->fds[i] >= 0)
			*ret = dirs[i].path;
	}
	if (r == 0 && group_any(cgroup) < 0)
		r = err_set(err, ESTALE,
			    "the container's cgroup %s is gone, and the cgroup of its process %d "
			    "cannot be found",
			    place.dirs.n ? place.dirs.v[0].path : "", (int)pid);
	if (r == 0)
		cgroup->place.dirs.v = dirs;
	return r;
}

int driver_open_of(struct arena *arena, const struct cgroup_place *place, pid_t pid,
		   struct cgroup *ret, const char **ret_instead, struct err *err)
{
	struct err gone;
	size_t open = 0;
	int r = driver_open(place, ret, &gone);

	*ret_instead = NULL;
	if (r < 0 && r != -ENOENT) {
		*err = gone;
		return r;
	}
	if (r == -ENOENT)
		group_init(ret, place);
	while (open < ret->place.dirs.n && ret->fds[open] >= 0) /* a damaged state may have some */
		open++;
	r = open < ret->place.dirs.n ? open_missing(arena, pid, ret, ret_instead, err) : 0;
	if (r < 0)
		driver_close(ret);
	return r;
}

int driver_follow(struct arena *arena, pid_t pid, struct cgroup *cgroup, struct err *err)
{
	int i = group_v2(cgroup), fd, r;
	struct cgroup_dir *dirs = arena_array(arena, cgroup->place.dirs.n, sizeof(*dirs));
	struct group_path buf;
	char *text;

	if (i < 0)
		return err_set(err, ENOENT, "the container has no v2 cgroup");
	r = read_groups(arena, pid, &text, err);
	if (r < 0)
		return r;
	memcpy(dirs, cgroup->place.dirs.v, cgroup->place.dirs.n * sizeof(*dirs));
	dirs[i].path = path_in(arena, text, "");
	if (!dirs[i].path || path_has_dotdot(dirs[i].path) ||
	    !path_is_below(dirs[i].path, cgroup->place.dirs.v[i].path))
		return err_set(err, EBUSY, "the process %d is not in the container's cgroup %s%s",
			       (int)pid, cgroup->place.dirs.v[i].mount,
			       cgroup->place.dirs.v[i].path);
	fd = open(group_path(&dirs[i], &buf), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open the cgroup %s", buf.text);
	fd_closep(&cgroup->fds[i]);
	cgroup->fds[i] = fd;
	cgroup->place.dirs.v = dirs;
	return 0;
}

bool driver_is_divided(const struct cgroup *cgroup)
{
	int i = group_v2(cgroup);
	char text[256];

	return i >= 0 &&
	       io_read_small(cgroup->fds[i], "cgroup.subtree_control", text, sizeof(text)) > 0;
}

int driver_find_unit(struct arena *arena, pid_t pid, const char *slice_path,
		     struct cgroup_plan *plan, struct err *err)
{
	const struct cgroup_unit *unit = plan->unit;
	struct cgroup_dir *dirs = arena_array(arena, plan->place.dirs.n, sizeof(*dirs));
	struct json_int above = { 0 };
	const char *path = slice_path;
	char *text;
	int r = slice_path ? 0 : read_groups(arena, pid, &text, err);

	if (r < 0)
		return r;
	if (!path)
		path = path_in(arena, text,
			       plan->place.kind == CGROUP_DRIVER_V2 ? "" : "name=systemd");
	if (!path || path_has_dotdot(path) || !str_equal(path_base(path), unit->ref.name))
		return err_set(
			err, EIO,
			"systemd has started the unit %s, and the process is in the cgroup %s",
			unit->ref.name, path ? path : "of no hierarchy");
	if (unit->subgroup) {
		/* systemd tries to remove the unit's cgroup only once, and leaves it if it has
		 * children; whoever removes those then removes it as well */
		above = (struct json_int){ true, path_base(path) - path - 1 };
		path = arena_strf(arena, "%s/%s", path, unit->subgroup);
	}
	for (size_t i = 0; i < plan->place.dirs.n; i++) {
		dirs[i] = plan->place.dirs.v[i];
		dirs[i].path = path;
		dirs[i].existing = above;
	}
	plan->place.dirs.v = dirs;
	return 0;
}

static int move_failed(const struct cgroup_dir *dir, int error, struct err *err)
{
	return err_errno(err, error, "move the container's process into the cgroup %s%s",
			 dir->mount, dir->path);
}

/* systemd sets the limits on the unit; the sub-cgroup, which the container sees, shows the same
 * values in its own files. */
static int make_subgroup(const struct cgroup_plan *plan, pid_t pid, struct err *err)
{
	const struct cgroup_dir *dir = &plan->place.dirs.v[0];
	struct group_path buf;
	_cleanup_close_ int fd = -1, parent = -1;
	char digits[16];
	int r;

	if (mkdir(group_path(dir, &buf), 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "create the cgroup %s", buf.text);
	fd = openat(AT_FDCWD, buf.text, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		parent = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return err_errno(err, errno, "open the cgroup %s", buf.text);
	(void)snprintf(digits, sizeof(digits), "%d", (int)pid);
	r = io_write_at(fd, "cgroup.procs", digits);
	if (r < 0)
		return move_failed(dir, -r, err);
	/* not earlier: a populated cgroup cannot pass controllers on */
	return v2_pass_on(plan, parent, plan->unit->ref.name, err);
}

/* systemd does not manage some controllers (hugetlb, rdma, misc). The system manager lets us enable
 * them from the root down to the unit, and leaves them enabled. */
static int pass_down(const struct cgroup_plan *plan, const char *path, struct err *err)
{
	_cleanup_close_ int fd =
		openat(AT_FDCWD, plan->place.dirs.v[0].mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[NAME_MAX + 1] = "/";
	int r = fd < 0 ? err_errno(err, errno, "open %s", plan->place.dirs.v[0].mount) : 0;

	for (path += strspn(path, "/"); r == 0 && *path; path += strspn(path, "/")) {
		size_t len = strcspn(path, "/");
		int below;

		r = v2_pass_needs(plan, fd, name, err);
		if (r < 0)
			return r;
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
		path += len;
		below = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			return err_errno(err, errno, "open the cgroup %s", name);
		fd_closep(&fd);
		fd = below;
	}
	return r < 0 ? r : v2_check_needs(plan, fd, name, err);
}

static int complete_controllers(const struct cgroup_plan *plan, struct err *err)
{
	const struct cgroup_unit *unit = plan->unit;
	struct cgroup_dir dir = plan->place.dirs.v[0];
	struct arena arena = { 0 };
	struct group_path buf;
	_cleanup_close_ int fd = -1;
	int r;

	if (unit->subgroup)
		dir.path = arena_strndup(&arena, dir.path,
					 (size_t)(strrchr(dir.path, '/') - dir.path));
	fd = openat(AT_FDCWD, group_path(&dir, &buf),
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 ? err_errno(err, errno, "open the cgroup %s", buf.text)
		   : v2_check_needs(plan, fd, unit->ref.name, err);
	if (fd >= 0 && r < 0 && unit->ref.manager == CGROUP_MANAGER_SYSTEM) {
		*err = (struct err){ 0 };
		r = pass_down(plan, dir.path, err);
	}
	arena_free(&arena);
	return r;
}

static int apply_above(const struct cgroup_plan *plan, struct err *err)
{
	struct cgroup_dir above = plan->place.dirs.v[0];
	struct cgroup_place place;
	struct arena arena = { 0 };
	struct cgroup cgroup;
	int r;

	above.path =
		arena_strndup(&arena, above.path, (size_t)(strrchr(above.path, '/') - above.path));
	place = (struct cgroup_place){ plan->place.kind, { &above, 1 } };
	r = driver_open(&place, &cgroup, err);
	if (r == 0)
		r = driver_apply(&cgroup, plan, err);
	driver_close(&cgroup);
	arena_free(&arena);
	return r;
}

static int adopt_v2(const struct cgroup_plan *plan, pid_t pid, struct cgroup *ret, struct err *err)
{
	struct cgroup_plan inside = *plan;
	int r = complete_controllers(plan, err);

	if (r == 0 && plan->unit->subgroup)
		r = make_subgroup(plan, pid, err);
	if (r == 0 && plan->unit->subgroup)
		r = apply_above(plan, err);
	if (r == 0)
		r = driver_open(&plan->place, ret, err);
	if (plan->unit->subgroup)
		inside.limit_devices = false; /* the parent's program applies here too */
	return r < 0 ? r : driver_apply(ret, &inside, err);
}

/* systemd creates the unit's cgroup in the hierarchies that it manages, and moves the process
 * there. In the others we create one at the same path. */
static int adopt_v1(const struct cgroup_plan *plan, pid_t pid, struct cgroup *ret, struct err *err)
{
	char digits[16];
	int r = driver_create(plan, DRIVER_ALL, ret, err);

	(void)snprintf(digits, sizeof(digits), "%d", (int)pid);
	for (size_t i = 0; r == 0 && i < ret->place.dirs.n; i++) {
		bool v2 = group_is_v2(&ret->place.dirs.v[i]);

		if (ret->fds[i] < 0 || (v2 && !plan->unit->subgroup && !plan->unit->is_slice))
			continue;
		r = io_write_at(ret->fds[i], v2 ? "cgroup.procs" : "tasks", digits);
		if (r < 0)
			return move_failed(&ret->place.dirs.v[i], -r, err);
	}
	return r < 0 ? r : driver_apply(ret, plan, err);
}

int driver_adopt(const struct cgroup_plan *plan, pid_t pid, struct cgroup *ret, struct err *err)
{
	return plan->place.kind == CGROUP_DRIVER_V2 ? adopt_v2(plan, pid, ret, err)
						    : adopt_v1(plan, pid, ret, err);
}
