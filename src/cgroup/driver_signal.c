/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of a group: listed and signalled. */
#include "src/cgroup/driver_priv.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/sys/pidfd.h"

#include <signal.h>
#include <stdlib.h>

enum { KILL_ROUNDS = 1000, BATCH = 64 };

/* All hierarchies hold the same processes. One that the container moved into a sub-group of one v1
 * hierarchy is still in ours. */
static int main_dir(const struct cgroup *cgroup)
{
	int dir = driver_priv_v2(cgroup);

	if (dir < 0)
		dir = driver_priv_find(cgroup, "freezer");
	return dir < 0 ? driver_priv_any(cgroup) : dir;
}

int driver_pids(const struct cgroup *cgroup, struct arena *arena, pid_t **ret, size_t *ret_n,
		struct err *err)
{
	struct driver_priv_pids pids = { .arena = arena };
	int dir = main_dir(cgroup), r = 0;

	if (dir >= 0)
		r = driver_priv_list(cgroup->fds[dir], &pids, err);
	if (r < 0)
		return r;
	*ret = pids.v;
	*ret_n = pids.n;
	return 0;
}

static int compare(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static bool has(const struct driver_priv_pids *pids, pid_t pid)
{
	return pids->n && bsearch(&pid, pids->v, pids->n, sizeof(pid), compare);
}

/* Up to BATCH pids. A pid may be given to a stranger between being listed and being opened, so the group is
 * asked again once the descriptors are there: those that it still lists are what they refer to, or dead. */
static int signal_batch(int dir, const pid_t *v, size_t n, int signal, struct err *err)
{
	struct arena arena = { 0 };
	struct driver_priv_pids now = { .arena = &arena };
	int pidfds[BATCH], r;

	for (size_t i = 0; i < n; i++)
		pidfds[i] = pidfd_open_process(v[i]);
	r = driver_priv_list(dir, &now, err);
	for (size_t i = 0; i < n; i++) {
		int sent = 0;

		if (r == 0 && pidfds[i] >= 0 && has(&now, v[i]))
			sent = pidfd_signal(pidfds[i], signal);
		if (sent < 0 && sent != -ESRCH)
			r = err_errno(err, -sent, "send signal %d to process %d", signal,
				      (int)v[i]);
		fd_closep(&pidfds[i]);
	}
	arena_free(&arena);
	return r;
}

static int signal_listed(int dir, const struct driver_priv_pids *pids, int signal, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < pids->n; i += BATCH)
		r = signal_batch(dir, pids->v + i, pids->n - i < BATCH ? pids->n - i : BATCH,
				 signal, err);
	return r;
}

/* Rounds until one finds nobody new: who is forked while we kill is killed by the next round. Frozen, nobody
 * forks any more, and all die together when they are thawed. */
static int kill_by_pid(int dir, int freezer, struct err *err)
{
	struct arena arenas[2] = { { 0 }, { 0 } };
	struct driver_priv_pids seen = { .arena = &arenas[1] };
	bool news = true;
	int r = 0;

	for (int round = 0; r == 0 && news && round < KILL_ROUNDS; round++) {
		struct driver_priv_pids pids = { .arena = &arenas[round % 2] };

		if (freezer >= 0)
			(void)io_write_at(freezer, "freezer.state", "FROZEN");
		r = driver_priv_list(dir, &pids, err);
		news = false;
		for (size_t i = 0; r == 0 && i < pids.n; i++)
			news = news || !has(&seen, pids.v[i]);
		if (r == 0 && news)
			r = signal_listed(dir, &pids, SIGKILL, err);
		if (freezer >= 0)
			(void)io_write_at(freezer, "freezer.state", "THAWED");
		arena_free(seen.arena);
		seen = pids;
	}
	arena_free(&arenas[0]);
	arena_free(&arenas[1]);
	return r;
}

int driver_priv_kill_dir(const struct cgroup *cgroup, int dir, struct err *err)
{
	int freezer = driver_priv_find(cgroup, "freezer");

	return kill_by_pid(cgroup->fds[dir], freezer < 0 ? -1 : cgroup->fds[freezer], err);
}

/* The v1 freezer keeps even the killed; the one of v2 lets them die. */
static void thaw_v1(const struct cgroup *cgroup)
{
	int dir = driver_priv_find(cgroup, "freezer");
	char text[32];

	if (dir >= 0 && io_read_small(cgroup->fds[dir], "freezer.state", text, sizeof(text)) > 0 &&
	    !str_equal(text, "THAWED"))
		(void)io_write_at(cgroup->fds[dir], "freezer.state", "THAWED");
}

int driver_kill(const struct cgroup *cgroup, int signal, struct err *err)
{
	int v2 = driver_priv_v2(cgroup), dir = main_dir(cgroup), r;
	struct arena arena = { 0 };
	struct driver_priv_pids pids = { .arena = &arena };

	if (dir < 0)
		return 0;
	if (signal == SIGKILL && v2 >= 0 && io_write_at(cgroup->fds[v2], "cgroup.kill", "1") == 0) {
		thaw_v1(cgroup);
		return 0;
	}
	if (signal == SIGKILL)
		return driver_priv_kill_dir(cgroup, dir, err);
	r = driver_priv_list(cgroup->fds[dir], &pids, err);
	if (r == 0)
		r = signal_listed(cgroup->fds[dir], &pids, signal, err);
	arena_free(&arena);
	return r;
}
