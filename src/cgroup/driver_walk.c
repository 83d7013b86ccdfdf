/* SPDX-License-Identifier: Apache-2.0 */
/* Walking over groups, and waiting for them. What is below a container's group was made by the container:
 * names may begin with a dot, and thousands of levels may be there to stop whoever recurses. */
#include "src/cgroup/driver_priv.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/str.h"
#include "src/sys/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PROCS_MAX = 64 << 20, YIELDS = 20 };

struct level {
	char *name; /* of the group in its parent */
	long next;  /* where to go on in the directory */
};

struct walker {
	struct arena arena;
	struct level *v; /* v[0] is the top */
	size_t n, cap;
	int dir; /* of the last level: the only one that is open */
};

static void push(struct walker *w, const char *name)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 16;
		w->v = arena_grow(&w->arena, w->v, w->n, w->cap, sizeof(*w->v));
	}
	w->v[w->n++] = (struct level){ .name = arena_strdup(&w->arena, name) };
}

/* The next group of the last level, or NULL. */
static const char *next_group(struct walker *w)
{
	int copy = openat(w->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	struct level *level = &w->v[w->n - 1];
	const char *found = NULL;
	struct dirent *entry;

	if (!stream) {
		fd_closep(&copy);
		return NULL;
	}
	if (level->next)
		seekdir(stream, level->next);
	while (!found && (entry = readdir(stream)))
		if (entry->d_type == DT_DIR && !str_equal(entry->d_name, ".") &&
		    !str_equal(entry->d_name, ".."))
			found = arena_strdup(&w->arena, entry->d_name);
	if (found)
		level->next = telldir(stream);
	(void)closedir(stream);
	return found;
}

static int go_down(struct walker *w, const char *name, const struct driver_priv_walk *walk)
{
	int child = openat(w->dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (child < 0)
		return 0;
	fd_closep(&w->dir);
	w->dir = child;
	push(w, name);
	return walk->enter ? walk->enter(w->dir, walk->data) : 0;
}

/* ".." of a group is its parent for ever: groups cannot be moved. */
static int go_up(struct walker *w, const struct driver_priv_walk *walk)
{
	int parent = openat(w->dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (parent < 0)
		return -errno;
	fd_closep(&w->dir);
	w->dir = parent;
	w->n--;
	return walk->leave ? walk->leave(parent, w->v[w->n].name, walk->data) : 0;
}

int driver_priv_walk(int dir, const struct driver_priv_walk *walk)
{
	struct walker w = { .dir = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC) };
	int r = w.dir < 0 ? -errno : 0;

	push(&w, "");
	if (r == 0 && walk->enter)
		r = walk->enter(w.dir, walk->data);
	while (r == 0) {
		const char *name = next_group(&w);

		if (!name && w.n == 1)
			break;
		r = name ? go_down(&w, name, walk) : go_up(&w, walk);
	}
	fd_closep(&w.dir);
	arena_free(&w.arena);
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

struct listing {
	struct driver_priv_pids *pids;
	struct err *err;
};

static void add_pid(struct driver_priv_pids *pids, pid_t pid)
{
	if (pids->n == pids->cap) {
		pids->cap = pids->cap ? 2 * pids->cap : 64;
		pids->v = arena_grow(pids->arena, pids->v, pids->n, pids->cap, sizeof(*pids->v));
	}
	pids->v[pids->n++] = pid;
}

static int list_one(int dir, void *data)
{
	struct listing *listing = data;
	char *text, *save = NULL;
	int r = io_read_file(dir, "cgroup.procs", PROCS_MAX, listing->pids->arena, &text, NULL,
			     listing->err);

	if (r == -ENODEV || r == -ENOENT) /* the group went meanwhile */
		return 0;
	if (r == -EOPNOTSUPP) /* threaded: its processes are listed by the group above it */
		return 0;
	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint32_t pid;

		if (parse_u32(line, &pid) == 0 &&
		    pid != 0) /* 0: of a pid namespace that we cannot see */
			add_pid(listing->pids, (pid_t)pid);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

int driver_priv_list(int dir, struct driver_priv_pids *pids, struct err *err)
{
	struct listing listing = { .pids = pids, .err = err };
	struct driver_priv_walk walk = { .enter = list_one, .data = &listing };
	int r = driver_priv_walk(dir, &walk);
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

int driver_priv_wait_event(int dir, const char *word, long long deadline)
{
	_cleanup_close_ int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd fd = { .fd = events, .events = POLLPRI };

	if (events < 0)
		return -errno;
	for (;;) {
		char text[256] = "";
		ssize_t n = pread(events, text, sizeof(text) - 1, 0);
		int left = clock_left(deadline);

		if (n < 0)
			return -errno;
		if (strstr(text, word))
			return 0;
		if (!left)
			return -ETIMEDOUT;
		(void)poll(&fd, 1, left);
	}
}

void driver_priv_pause(unsigned int turn)
{
	if (turn < YIELDS)
		(void)sched_yield();
	else
		(void)poll(NULL, 0, 1);
}
