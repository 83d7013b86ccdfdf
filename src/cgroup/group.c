/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cgroup/group.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/sys/pidfd.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { PROCS_MAX = 64 << 20, TEXT_MAX = 16 << 20, YIELDS = 20, BATCH = 64 };

int group_v2(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->place.dirs.n; i++)
		if (cgroup->fds[i] >= 0 && group_is_v2(&cgroup->place.dirs.v[i]))
			return (int)i;
	return -1;
}

int group_find(const struct cgroup *cgroup, const char *controller)
{
	for (size_t i = 0; i < cgroup->place.dirs.n; i++)
		if (cgroup->fds[i] >= 0 &&
		    str_has_word(cgroup->place.dirs.v[i].controllers, controller, ','))
			return (int)i;
	return -1;
}

int group_read(int dir, const char *file, struct arena *arena, char **ret)
{
	struct err ignored;
	size_t len;
	int r = io_read_file(dir, file, TEXT_MAX, arena, ret, &len, &ignored);

	if (r == 0 && len && (*ret)[len - 1] == '\n')
		(*ret)[len - 1] = '\0';
	return r;
}

int group_any(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->place.dirs.n; i++)
		if (cgroup->fds[i] >= 0)
			return (int)i;
	return -1;
}

const char *group_path(const struct cgroup_dir *dir, struct group_path *buf)
{
	int n = snprintf(buf->text, sizeof(buf->text), "%s%s", dir->mount, dir->path);

	if (n < 0 || (size_t)n >= sizeof(buf->text))
		*buf->text = '\0'; /* a truncated path would name another cgroup; "" names none */
	return buf->text;
}

void group_init(struct cgroup *cgroup, const struct cgroup_place *place)
{
	*cgroup = (struct cgroup){ .place = *place };
	if (place->dirs.n > GROUP_MAX_DIRS)
		cgroup->place.dirs.n = GROUP_MAX_DIRS;
	for (size_t i = 0; i < GROUP_MAX_DIRS; i++)
		cgroup->fds[i] = cgroup->join_fds[i] = -1;
}

/* A path cannot fake the file system type; the root of a hierarchy belongs to everybody. */
int group_check(const struct cgroup_dir *dir, struct err *err)
{
	struct group_path buf;
	struct statfs fs;

	if (*dir->path == '/' && dir->path[strspn(dir->path, "/.")] &&
	    !path_has_dotdot(dir->path) && *dir->mount == '/' && !path_has_dotdot(dir->mount) &&
	    *group_path(dir, &buf)) {
		if (statfs(dir->mount, &fs) < 0 || fs.f_type == CGROUP2_SUPER_MAGIC ||
		    fs.f_type == CGROUP_SUPER_MAGIC)
			return 0;
	}
	return err_set(err, EINVAL, "\"%s%s\" is not the cgroup of a container", dir->mount,
		       dir->path);
}

struct level {
	char *name; /* name in its parent */
	long next;  /* where to resume reading the directory */
};

/* The container created the cgroups below its own: names may begin with a dot, and nesting may be
 * thousands of levels deep to break recursion. */
struct walker {
	struct arena arena;
	struct level *v; /* v[0] is the top */
	size_t n, cap;
	int dir; /* the last level, the only one that is open */
};

static void push(struct walker *w, const char *name)
{
	w->v = arena_room(&w->arena, w->v, w->n, &w->cap, sizeof(*w->v));
	w->v[w->n++] = (struct level){ .name = arena_strdup(&w->arena, name) };
}

bool group_walk_skips(const struct group_walk *walk, int error)
{
	return error == ENOENT || error == ENODEV || (walk->skips_closed && error == EACCES);
}

/* The next child of the last level, or NULL: the end, an error (*r < 0), or a cgroup that is
 * skipped. */
static const char *next_group(struct walker *w, const struct group_walk *walk, int *r)
{
	int copy = openat(w->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	struct level *level = &w->v[w->n - 1];
	const char *found = NULL;
	struct dirent *entry;

	*r = 0;
	if (!stream) {
		*r = group_walk_skips(walk, errno) ? 0 : -errno;
		fd_closep(&copy);
		return NULL;
	}
	if (level->next)
		seekdir(stream, level->next);
	while (!found && (entry = io_next_entry(stream, r)))
		if (entry->d_type == DT_DIR)
			found = arena_strdup(&w->arena, entry->d_name);
	if (found)
		level->next = telldir(stream);
	(void)closedir(stream);
	return found;
}

static int go_down(struct walker *w, const char *name, const struct group_walk *walk)
{
	int child = openat(w->dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (child < 0)
		return group_walk_skips(walk, errno) ? 0 : -errno;
	fd_closep(&w->dir);
	w->dir = child;
	push(w, name);
	return walk->enter ? walk->enter(w->dir, walk->data) : 0;
}

/* ".." of a cgroup is always its parent: cgroups cannot be moved. */
static int go_up(struct walker *w, const struct group_walk *walk)
{
	int parent = openat(w->dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (parent < 0)
		return -errno;
	fd_closep(&w->dir);
	w->dir = parent;
	w->n--;
	return walk->leave ? walk->leave(parent, w->v[w->n].name, walk->data) : 0;
}

int group_walk(int dir, const struct group_walk *walk)
{
	struct walker w = { .dir = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC) };
	int r = w.dir < 0 ? -errno : 0;

	push(&w, "");
	if (r == 0 && walk->enter)
		r = walk->enter(w.dir, walk->data);
	while (r == 0) {
		const char *name = next_group(&w, walk, &r);

		if (r < 0 || (!name && w.n == 1))
			break;
		r = name ? go_down(&w, name, walk) : go_up(&w, walk);
	}
	fd_closep(&w.dir);
	arena_free(&w.arena);
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

struct listing {
	struct group_pids *pids;
	struct err *err;
};

static void add_pid(struct group_pids *pids, pid_t pid)
{
	pids->v = arena_room(pids->arena, pids->v, pids->n, &pids->cap, sizeof(*pids->v));
	pids->v[pids->n++] = pid;
}

static int list_one(int dir, void *data)
{
	struct listing *listing = data;
	char *text, *save = NULL;
	int r = io_read_file(dir, "cgroup.procs", PROCS_MAX, listing->pids->arena, &text, NULL,
			     listing->err);

	if (r == -ENODEV || r == -ENOENT) /* the cgroup has been removed meanwhile */
		return 0;
	if (r == -EOPNOTSUPP) /* a threaded cgroup: its processes are listed further up */
		return 0;
	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint32_t pid;

		if (parse_u32(line, &pid) == 0 &&
		    pid != 0) /* 0: in a pid namespace that we cannot see */
			add_pid(listing->pids, (pid_t)pid);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

int group_list(int dir, struct group_pids *pids, struct err *err)
{
	struct listing listing = { .pids = pids, .err = err };
	struct group_walk walk = { .enter = list_one, .data = &listing };
	int r = group_walk(dir, &walk);
	size_t kept = 0;

	if (r < 0)
		return err->code == -r
			       ? r
			       : err_errno(err, -r, "list the processes of the container's cgroup");
	if (pids->n)
		qsort(pids->v, pids->n, sizeof(*pids->v), compare);
	for (size_t i = 0; i < pids->n; i++)
		if (i == 0 || pids->v[i] != pids->v[kept - 1])
			pids->v[kept++] = pids->v[i];
	pids->n = kept;
	return 0;
}

bool group_pids_have(const struct group_pids *pids, pid_t pid)
{
	return pids->n && bsearch(&pid, pids->v, pids->n, sizeof(pid), compare);
}

/* Signals up to BATCH pids. A pid may be reused between being listed and being opened, so the
 * cgroup is read again once the pidfds are open: if it still lists a pid, that pidfd refers to the
 * listed process or to a dead one. */
static int signal_batch(int dir, const pid_t *v, size_t n, int signal, struct err *err)
{
	struct arena arena = { 0 };
	struct group_pids now = { .arena = &arena };
	int pidfds[BATCH], r;

	for (size_t i = 0; i < n; i++)
		pidfds[i] = pidfd_open_process(v[i]);
	r = group_list(dir, &now, err);
	for (size_t i = 0; i < n; i++) {
		int sent = 0;

		if (r == 0 && group_pids_have(&now, v[i]))
			sent = pidfds[i] < 0 ? pidfds[i] : pidfd_signal(pidfds[i], signal);
		if (sent < 0 && sent != -ESRCH)
			r = err_errno(err, -sent, "send signal %d to process %d", signal,
				      (int)v[i]);
		fd_closep(&pidfds[i]);
	}
	arena_free(&arena);
	return r;
}

int group_signal(int dir, const struct group_pids *pids, int signal, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < pids->n; i += BATCH)
		r = signal_batch(dir, pids->v + i, pids->n - i < BATCH ? pids->n - i : BATCH,
				 signal, err);
	return r;
}

int group_still_there(int dir, struct err *err)
{
	struct arena arena = { 0 };
	struct group_pids pids = { .arena = &arena };
	char name[32], comm[64] = "";
	int r = group_list(dir, &pids, err);

	if (r == 0 && pids.n) {
		(void)snprintf(name, sizeof(name), "/proc/%d/comm", (int)pids.v[0]);
		(void)!io_read_small(AT_FDCWD, name, comm, sizeof(comm));
		(void)err_set(
			err, ETIMEDOUT,
			"%zu process(es) of the container did not end within %d s of SIGKILL: "
			"%d (%s)",
			pids.n, GROUP_PATIENCE_MS / 1000, (int)pids.v[0], comm);
		err_hint(err, "a process waiting for a disk or network file system ends once that "
			      "answers: try again then");
	} else if (r == 0) {
		(void)err_set(err, ETIMEDOUT,
			      "the container's cgroup did not become empty within %d s",
			      GROUP_PATIENCE_MS / 1000);
	}
	arena_free(&arena);
	return -err->code;
}

void group_pause(unsigned int turn)
{
	if (turn < YIELDS)
		(void)sched_yield();
	else
		(void)poll(NULL, 0, 1);
}
