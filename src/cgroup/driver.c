/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and joining. A v2 host has one directory and a v1 host one per hierarchy. A hybrid host
 * has those and one in the v2 tree, which enforces no limits but can kill, freeze and report
 * events.
 *
 * How a process gets in: clone3(CLONE_INTO_CGROUP) into the v2 tree costs nothing. A write to
 * cgroup.procs takes the lock of all thread groups, and the first one in a while waits for a grace
 * period, 8 to 11 ms measured. cgroup.threads avoids that lock, but is refused (EOPNOTSUPP) outside
 * of threaded cgroups. v1 has `tasks`, which moves one thread without the lock in 50 to 140 µs:
 * enough for a single-threaded process. */
#include "src/cgroup/driver.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/str.h"
#include "src/cgroup/v1.h"
#include "src/cgroup/v2.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FREEZE_MS = 10000 };

static int open_dirs(struct cgroup *cgroup, bool main_only, struct err *err)
{
	struct group_path buf;
	size_t found = 0;

	for (size_t i = 0; i < cgroup->place.dirs.n; i++) {
		const struct cgroup_dir *dir = &cgroup->place.dirs.v[i];
		int r;

		if (main_only && !group_is_v2(dir) &&
		    !str_has_word(dir->controllers, "freezer", ','))
			continue;
		r = group_check(dir, err);
		if (r < 0)
			return r;
		cgroup->fds[i] = openat(AT_FDCWD, group_path(dir, &buf),
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
	group_init(ret, place);
	return open_group(ret, false, err);
}

int driver_open_main(const struct cgroup_place *place, struct cgroup *ret, struct err *err)
{
	group_init(ret, place);
	return open_group(ret, true, err);
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
	int i = group_v2(cgroup);

	return i < 0 ? -1 : cgroup->fds[i];
}

static int join_failed(const struct cgroup_dir *dir, int error, struct err *err)
{
	(void)err_errno(err, error, "join the cgroup %s%s", dir->mount, dir->path);
	if (error == ENOSPC)
		err_hint(err,
			 "the cgroup has no CPUs or memory nodes: set linux.resources.cpu.cpus and "
			 "mems, or cpuset.cpus and cpuset.mems of the cgroups above it");
	if (error == EBUSY)
		err_hint(err, "cgroups below it have controllers enabled, so it cannot hold "
			      "processes itself");
	return -error;
}

int driver_join_self(const struct cgroup *cgroup, struct err *err)
{
	for (size_t i = 0; i < cgroup->place.dirs.n; i++) {
		int r;

		if (cgroup->fds[i] < 0 || group_is_v2(&cgroup->place.dirs.v[i]))
			continue;
		r = cgroup->join_fds[i] >= 0 ? io_write_all(cgroup->join_fds[i], "0", 1)
					     : io_write_at(cgroup->fds[i], "tasks", "0");
		if (r < 0)
			return join_failed(&cgroup->place.dirs.v[i], -r, err);
	}
	return 0;
}

int driver_join(const struct cgroup *cgroup, pid_t pid, struct err *err)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	for (size_t i = 0; i < cgroup->place.dirs.n; i++) {
		int r = cgroup->fds[i] < 0 ? 0 : io_write_at(cgroup->fds[i], "cgroup.procs", text);

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

		if (group_is_v2(dir))
			continue;
		if ((size_t)n >= sizeof(tasks)) /* a truncated path would name another cgroup */
			return join_failed(dir, ENAMETOOLONG, err);
		r = io_write_at(AT_FDCWD, tasks, "0");
		if (r == -ENOENT && access(dir->mount, F_OK) < 0)
			continue; /* the host has unmounted the hierarchy */
		if (r < 0)
			return join_failed(dir, -r, err);
	}
	return 0;
}

int driver_join_self_slowly(const struct cgroup *cgroup, struct err *err)
{
	int v2 = group_v2(cgroup), r = 0;

	if (v2 >= 0)
		r = io_write_at(cgroup->fds[v2], "cgroup.procs", "0");
	return r < 0 ? join_failed(&cgroup->place.dirs.v[v2], -r, err)
		     : driver_join_self(cgroup, err);
}

int driver_descend(const struct cgroup_plan *plan, struct cgroup *cgroup, struct err *err)
{
	int i = group_v2(cgroup), below, r;
	const struct cgroup_dir *dir = &cgroup->place.dirs.v[i];

	if (mkdirat(cgroup->fds[i], plan->inside, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "create the cgroup %s%s/%s", dir->mount, dir->path,
				 plan->inside);
	below = openat(cgroup->fds[i], plan->inside, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return err_errno(err, errno, "open the cgroup %s%s/%s", dir->mount, dir->path,
				 plan->inside);
	r = v2_pass_on(plan, cgroup->fds[i], dir->path, err);
	fd_closep(&cgroup->fds[i]);
	cgroup->fds[i] = below;
	return r;
}

/* The owner of a v2 cgroup may create cgroups below it and move its own processes between them. The
 * limits still belong to the owner of the parent. v1 cannot be delegated safely. */
int driver_delegate(const struct cgroup *cgroup, uint32_t uid, uint32_t gid, struct err *err)
{
	int dir = group_v2(cgroup);
	char names[1024], *save = NULL;
	ssize_t n;

	if (dir < 0)
		return 0;
	n = io_read_small(AT_FDCWD, "/sys/kernel/cgroup/delegate", names, sizeof(names));
	if (n < 0) /* the three files that exist on every kernel with v2 */
		(void)strcpy(names, "cgroup.procs cgroup.threads cgroup.subtree_control");
	if (fchownat(cgroup->fds[dir], "", uid, gid, AT_EMPTY_PATH) < 0)
		return err_errno(err, errno, "give the cgroup %s%s to the container's root, %u:%u",
				 cgroup->place.dirs.v[dir].mount, cgroup->place.dirs.v[dir].path,
				 uid, gid);
	for (char *name = strtok_r(names, " \n", &save); name; name = strtok_r(NULL, " \n", &save))
		if (fchownat(cgroup->fds[dir], name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno != ENOENT) /* the files of controllers that this cgroup lacks */
			return err_errno(err, errno, "give %s%s/%s to the container's root, %u:%u",
					 cgroup->place.dirs.v[dir].mount,
					 cgroup->place.dirs.v[dir].path, name, uid, gid);
	return 0;
}

/* All hierarchies hold the same processes. A process that the container moved to a sub-cgroup in
 * one v1 hierarchy is still below our cgroup. */
static int main_dir(const struct cgroup *cgroup)
{
	int dir = group_v2(cgroup);

	if (dir < 0)
		dir = group_find(cgroup, "freezer");
	return dir < 0 ? group_any(cgroup) : dir;
}

int driver_pids(const struct cgroup *cgroup, struct arena *arena, pid_t **ret, size_t *ret_n,
		struct err *err)
{
	struct group_pids pids = { .arena = arena };
	int dir = main_dir(cgroup), r = 0;

	if (dir >= 0)
		r = group_list(cgroup->fds[dir], &pids, err);
	if (r < 0)
		return r;
	*ret = pids.v;
	*ret_n = pids.n;
	return 0;
}

int driver_kill(const struct cgroup *cgroup, int signal, struct err *err)
{
	int v2 = group_v2(cgroup), dir = main_dir(cgroup), r;
	struct arena arena = { 0 };
	struct group_pids pids = { .arena = &arena };

	if (dir < 0)
		return 0;
	if (signal == SIGKILL && v2 >= 0 && io_write_at(cgroup->fds[v2], "cgroup.kill", "1") == 0) {
		v1_thaw(cgroup);
		return 0;
	}
	if (signal == SIGKILL)
		return v1_kill(cgroup, dir, err);
	r = group_list(cgroup->fds[dir], &pids, err);
	if (r == 0)
		r = group_signal(cgroup->fds[dir], &pids, signal, err);
	arena_free(&arena);
	return r;
}

static int timed_out(bool freeze, struct err *err)
{
	(void)err_set(err, ETIMEDOUT, "the container's cgroup did not %s within %d s",
		      freeze ? "freeze" : "thaw", FREEZE_MS / 1000);
	if (freeze)
		err_hint(err, "a process waiting for a disk or network file system cannot be "
			      "frozen until that answers; the container keeps running");
	else
		err_hint(err, "a cgroup above it may be frozen");
	return -ETIMEDOUT;
}

/* Hybrid hosts use the v2 tree: it reports completion, and a frozen process can be killed. */
int driver_freeze(const struct cgroup *cgroup, bool freeze, struct err *err)
{
	long long deadline = clock_now() + FREEZE_MS;
	int v2 = group_v2(cgroup), v1 = group_find(cgroup, "freezer"), r = 0;

	if (v2 >= 0)
		r = v2_freeze(cgroup->fds[v2], freeze, deadline, err);
	else if (v1 >= 0)
		r = v1_freeze(cgroup->fds[v1], freeze, deadline, err);
	if (v2 >= 0 || v1 >= 0)
		return r == -ETIMEDOUT ? timed_out(freeze, err) : r;
	(void)err_set(err, ENOTSUP, "the container's cgroup has no freezer");
	return err_hint(err, "the host has neither cgroup v2 nor the v1 freezer mounted");
}

/* Whether the file's content differs from `thawed`. */
static int is_not(const struct cgroup_dir *dir, const char *file, const char *thawed,
		  struct err *err)
{
	char path[PATH_MAX], text[64];
	int n = snprintf(path, sizeof(path), "%s%s/%s", dir->mount, dir->path, file);
	ssize_t len = (size_t)n < sizeof(path) ? io_read_small(AT_FDCWD, path, text, sizeof(text))
					       : -ENAMETOOLONG;

	if (len == -ENOENT || len == -ENOTDIR || len == -ENODEV)
		return 0;
	if (len < 0)
		return err_errno(err, (int)-len, "read %s%s/%s", dir->mount, dir->path, file);
	return len > 0 && !str_equal(text, thawed);
}

int driver_is_frozen(const struct cgroup_place *place, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < place->dirs.n; i++) {
		const struct cgroup_dir *dir = &place->dirs.v[i];

		if (group_is_v2(dir))
			r = is_not(dir, "cgroup.freeze", "0", err);
		else if (str_has_word(dir->controllers, "freezer", ','))
			r = is_not(dir, "freezer.state", "THAWED", err);
	}
	return r;
}

void driver_fetch_frozen(const struct cgroup_place *place, pid_t pid)
{
	struct cgroup cgroup;
	struct err ignored;
	char text[16];
	int freezer;

	if (driver_open_main(place, &cgroup, &ignored) < 0)
		return;
	freezer = group_find(&cgroup, "freezer");
	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	if (freezer >= 0) /* a process takes on the freezer state of the cgroup that it joins */
		(void)io_write_at(cgroup.fds[freezer], "cgroup.procs", text);
	v1_thaw(&cgroup); /* a pid namespace's init waits for its processes */
	driver_close(&cgroup);
}

static int dir_with(const struct cgroup *cgroup, const char *controller)
{
	return cgroup->place.kind == CGROUP_DRIVER_V2 ? group_v2(cgroup)
						      : group_find(cgroup, controller);
}

ssize_t driver_read(const struct cgroup *cgroup, const char *controller, const char *file,
		    char *buf, size_t size)
{
	int dir = dir_with(cgroup, controller);

	return dir < 0 ? -ENOENT : io_read_small(cgroup->fds[dir], file, buf, size);
}

int driver_text(const struct cgroup *cgroup, const char *controller, const char *file,
		struct arena *arena, const char **ret)
{
	int dir = dir_with(cgroup, controller);

	return dir < 0 ? -ENOENT : group_read(cgroup->fds[dir], file, arena, (char **)ret);
}

void driver_read_unified(const struct cgroup *cgroup, char *buf, size_t size)
{
	int dir = group_v2(cgroup);

	*buf = '\0';
	if (dir >= 0)
		(void)!io_read_small(cgroup->fds[dir], "cgroup.controllers", buf, size);
}

static uint64_t count_of(const char *text)
{
	const char *at = strstr(text, "oom_kill ");
	uint64_t count = 0;
	char number[24] = "";

	if (at)
		(void)snprintf(number, sizeof(number), "%.*s", (int)strcspn(at + 9, "\n"), at + 9);
	return parse_u64(number, &count) < 0 ? 0 : count;
}

static const char *oom_file(const struct cgroup *cgroup)
{
	return cgroup->place.kind == CGROUP_DRIVER_V2 ? "memory.events" : "memory.oom_control";
}

uint64_t driver_oom_kills(const struct cgroup *cgroup)
{
	char text[512];

	return driver_read(cgroup, "memory", oom_file(cgroup), text, sizeof(text)) <= 0
		       ? 0
		       : count_of(text);
}

const char *driver_oom_words(const struct cgroup *cgroup, struct arena *arena)
{
	static const char units[][8] = { "bytes", "KiB", "MiB", "GiB" };
	const char *file =
		cgroup->place.kind == CGROUP_DRIVER_V2 ? "memory.max" : "memory.limit_in_bytes";
	char text[64];
	uint64_t limit;
	size_t unit = 0;

	if (driver_read(cgroup, "memory", file, text, sizeof(text)) <= 0 ||
	    parse_u64(text, &limit) < 0 || limit > 1ULL << 60)
		return "killed by a memory limit above its cgroup";
	for (; unit < 3 && limit && limit % 1024 == 0; unit++)
		limit /= 1024;
	return arena_strf(arena, "killed by the memory limit (%llu %s) of its cgroup",
			  (unsigned long long)limit, units[unit]);
}

int driver_oom_watch(const struct cgroup *cgroup, struct driver_oom *ret, struct err *err)
{
	bool is_v2 = cgroup->place.kind == CGROUP_DRIVER_V2;
	int dir = is_v2 ? group_v2(cgroup) : group_find(cgroup, "memory"), fd, r = 0;

	*ret = (struct driver_oom){ .fd = -1, .counter = -1, .events = is_v2 ? POLLPRI : POLLIN };
	if (dir < 0)
		return 0;
	fd = openat(cgroup->fds[dir], oom_file(cgroup), O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) /* no memory controller, nothing to report */
		return 0;
	if (fd < 0)
		return err_errno(err, errno, "open %s of the container", oom_file(cgroup));
	*(is_v2 ? &ret->fd : &ret->counter) = fd;
	if (!is_v2)
		r = v1_watch_oom(cgroup->fds[dir], ret->counter, &ret->fd, err);
	if (r < 0)
		driver_oom_done(ret);
	else
		(void)driver_oom_happened(ret); /* kernfs reports changes since the last read */
	return r;
}

void driver_oom_done(struct driver_oom *oom)
{
	fd_closep(&oom->fd);
	fd_closep(&oom->counter);
}

bool driver_oom_happened(struct driver_oom *oom)
{
	char text[512] = "";
	uint64_t count = 0, before = oom->seen;

	if (oom->fd < 0)
		return false;
	if (oom->counter >= 0) /* several events per kill, one when the cgroup ends */
		(void)!read(oom->fd, &count, sizeof(count));
	if (pread(oom->counter >= 0 ? oom->counter : oom->fd, text, sizeof(text) - 1, 0) <= 0) {
		driver_oom_done(oom); /* otherwise poll() would report events forever */
		return false;
	}
	oom->seen = count_of(text);
	return oom->seen > before;
}

int driver_oom_patience(struct driver_oom *oom, bool changed)
{
	enum { TURNS = 15 }; /* of 1 ms each */

	if (oom->fd < 0)
		return -1;
	if (changed)
		oom->patience = TURNS;
	else if (oom->patience)
		oom->patience--;
	return oom->patience ? 1 : -1;
}
