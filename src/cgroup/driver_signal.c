/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of a group: listed, signalled, frozen. */
#include "src/cgroup/driver_priv.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/str.h"
#include "src/sys/pidfd.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FREEZE_TIMEOUT_MS = 10000, KILL_ROUNDS = 100, MAX_DEPTH = 32 };

struct pids {
	struct arena *arena;
	pid_t *v;
	size_t n, cap;
};

static int add_group(struct pids *pids, int dir, int depth, struct err *err);

static int add_file(struct pids *pids, int dir, struct err *err)
{
	char *text, *save = NULL;
	int r = io_read_file(dir, "cgroup.procs", 16 * 1024 * 1024, pids->arena, &text, NULL, err);

	if (r == -ENODEV || r == -ENOENT || r == -ENOTSUP) /* the group went meanwhile, or is threaded */
		return 0;
	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint32_t pid;

		if (parse_u32(line, &pid) < 0 || pid == 0) /* 0: of a pid namespace that we cannot see */
			continue;
		if (pids->n == pids->cap) {
			pids->cap = pids->cap ? 2 * pids->cap : 64;
			pids->v = arena_grow(pids->arena, pids->v, pids->n, pids->cap, sizeof(*pids->v));
		}
		pids->v[pids->n++] = (pid_t)pid;
	}
	return 0;
}

static int add_children(struct pids *pids, int dir, int depth, struct err *err)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!stream) {
		fd_closep(&copy);
		return 0;
	}
	while (r == 0 && (entry = readdir(stream))) {
		_cleanup_close_ int child = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			r = add_group(pids, child, depth + 1, err);
	}
	(void)closedir(stream);
	return r;
}

static int add_group(struct pids *pids, int dir, int depth, struct err *err)
{
	int r = add_file(pids, dir, err);

	return r < 0 || depth >= MAX_DEPTH ? r : add_children(pids, dir, depth, err);
}

int driver_pids(const struct cgroup *cgroup, struct arena *arena, pid_t **ret, size_t *ret_n, struct err *err)
{
	struct pids pids = { .arena = arena };
	int dir = driver_priv_v2(cgroup), r = 0;

	/* All hierarchies hold the same processes; one that was made in a v1 sub-group by somebody else
	 * is still in ours of another hierarchy. */
	if (dir < 0)
		dir = driver_priv_find(cgroup, "freezer");
	if (dir < 0)
		dir = driver_priv_any(cgroup);
	if (dir >= 0)
		r = add_group(&pids, cgroup->fds[dir], 0, err);
	*ret = pids.v;
	*ret_n = pids.n;
	return r;
}

static int signal_all(const struct cgroup *cgroup, int signal, size_t *ret_n, struct err *err)
{
	struct arena arena = { 0 };
	pid_t *pids;
	int r = driver_pids(cgroup, &arena, &pids, ret_n, err);

	for (size_t i = 0; r == 0 && i < *ret_n; i++) {
		_cleanup_close_ int pidfd = pidfd_open_process(pids[i]);
		int sent = pidfd < 0 ? pidfd : pidfd_signal(pidfd, signal);

		if (sent < 0 && sent != -ESRCH)
			r = err_errno(err, -sent, "send signal %d to process %d", signal, (int)pids[i]);
	}
	arena_free(&arena);
	return r;
}

static void thaw_v1(const struct cgroup *cgroup)
{
	int dir = driver_priv_find(cgroup, "freezer");

	if (dir >= 0)
		(void)io_write_at(cgroup->fds[dir], "freezer.state", "THAWED");
}

/* Frozen, the group cannot fork away from us; killed, it dies when it is thawed. */
static int kill_v1(const struct cgroup *cgroup, struct err *err)
{
	int freezer = driver_priv_find(cgroup, "freezer");
	size_t n = 1;
	int r = 0;

	for (int round = 0; r == 0 && n && round < KILL_ROUNDS; round++) {
		if (freezer >= 0)
			(void)io_write_at(cgroup->fds[freezer], "freezer.state", "FROZEN");
		r = signal_all(cgroup, SIGKILL, &n, err);
		thaw_v1(cgroup);
		if (freezer >= 0)
			break;
	}
	return r;
}

int driver_kill(const struct cgroup *cgroup, int signal, struct err *err)
{
	int v2 = driver_priv_v2(cgroup);
	size_t n;

	if (signal != SIGKILL)
		return signal_all(cgroup, signal, &n, err);
	if (v2 >= 0 && io_write_at(cgroup->fds[v2], "cgroup.kill", "1") == 0) {
		(void)io_write_at(cgroup->fds[v2], "cgroup.freeze", "0");
		thaw_v1(cgroup);
		return 0;
	}
	return kill_v1(cgroup, err);
}

/* cgroup.events changes when the kernel is done; a poll for priority data tells. */
static int freeze_v2(int dir, bool freeze, struct err *err)
{
	_cleanup_close_ int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd fd = { .fd = events, .events = POLLPRI };
	int r = io_write_at(dir, "cgroup.freeze", freeze ? "1" : "0");

	if (events < 0 || r < 0)
		return err_errno(err, r < 0 ? -r : errno, "write cgroup.freeze");
	for (;;) {
		char text[256] = "";
		ssize_t n = pread(events, text, sizeof(text) - 1, 0);

		if (n > 0 && strstr(text, freeze ? "frozen 1" : "frozen 0"))
			return 0;
		if (poll(&fd, 1, FREEZE_TIMEOUT_MS) == 0)
			return err_set(err, ETIMEDOUT, "the container's cgroup did not %s within %d s",
				       freeze ? "freeze" : "thaw", FREEZE_TIMEOUT_MS / 1000);
	}
}

/* v1 has no event for it, and a process that forks can stay ahead: the state is written again until it
 * holds, at intervals of a millisecond. */
static int freeze_v1(int dir, bool freeze, struct err *err)
{
	const char *wanted = freeze ? "FROZEN" : "THAWED";
	const struct timespec pause = { .tv_nsec = 1000000 };
	char text[64];

	for (int waited = 0; waited < FREEZE_TIMEOUT_MS; waited++) {
		int r = io_write_at(dir, "freezer.state", wanted);

		if (r < 0)
			return err_errno(err, -r, "write freezer.state");
		if (io_read_small(dir, "freezer.state", text, sizeof(text)) > 0 && str_equal(text, wanted))
			return 0;
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	return err_set(err, ETIMEDOUT, "the container's cgroup did not become %s within %d s", wanted,
		       FREEZE_TIMEOUT_MS / 1000);
}

int driver_freeze(const struct cgroup *cgroup, bool freeze, struct err *err)
{
	int v2 = driver_priv_v2(cgroup), v1 = driver_priv_find(cgroup, "freezer");

	if (v2 >= 0)
		return freeze_v2(cgroup->fds[v2], freeze, err);
	if (v1 >= 0)
		return freeze_v1(cgroup->fds[v1], freeze, err);
	return err_set(err, ENOTSUP, "the host has no cgroup freezer");
}

bool driver_is_frozen(const struct cgroup *cgroup)
{
	int v2 = driver_priv_v2(cgroup), v1 = driver_priv_find(cgroup, "freezer");
	char text[64];

	if (v2 >= 0 && io_read_small(cgroup->fds[v2], "cgroup.freeze", text, sizeof(text)) > 0)
		return str_equal(text, "1");
	return v1 >= 0 && io_read_small(cgroup->fds[v1], "freezer.state", text, sizeof(text)) > 0 &&
	       !str_equal(text, "THAWED");
}
