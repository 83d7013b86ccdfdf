/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup v1: tasks, freezer, devices, and OOM notification. */
#include "src/cgroup/v1.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/plan/plan_cgroup.h"
#include "src/sys/pidfd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { KILL_ROUNDS = 1000, RULE_TURNS = 120 };

/* A list has no limit: every second of 8192 CPUs takes 20 KiB. A hierarchy mounted with noprefix
 * has no such file. */
static int fill_cpuset(int parent, int child, const char *file)
{
	struct arena arena = { 0 };
	char *text;
	int r = group_read(child, file, &arena, &text);

	if (r == 0 && !*text) {
		r = group_read(parent, file, &arena, &text);
		if (r == 0 && *text)
			r = io_write_at(child, file, text);
	}
	arena_free(&arena);
	return r == -ENOENT ? 0 : r;
}

int v1_inherit_cpuset(int parent, int child)
{
	int r = fill_cpuset(parent, child, "cpuset.cpus");

	return r < 0 ? r : fill_cpuset(parent, child, "cpuset.mems");
}

/* freezer.state has no event: the kernel computes it on read. Most cgroups are frozen at the second
 * or third read, 0.2 to 0.3 ms after the write. Each round writes it again, because a process that
 * moved in meanwhile would keep it at FREEZING. */
int v1_freeze(int dir, bool freeze, long long deadline, struct err *err)
{
	const char *wanted = freeze ? "FROZEN" : "THAWED";
	char text[64];

	for (unsigned int turn = 0; turn == 0 || clock_left(deadline); turn++) {
		int r = io_write_at(dir, "freezer.state", wanted);

		if (r < 0)
			return err_errno(err, -r, "write \"%s\" to freezer.state", wanted);
		if (io_read_small(dir, "freezer.state", text, sizeof(text)) > 0 &&
		    str_equal(text, wanted))
			return 0;
		group_pause(turn);
	}
	if (freeze)
		(void)io_write_at(dir, "freezer.state", "THAWED");
	return -ETIMEDOUT;
}

static int thaw_one(int dir, void *data)
{
	char text[32];

	(void)data;
	if (io_read_small(dir, "freezer.state", text, sizeof(text)) > 0 &&
	    !str_equal(text, "THAWED"))
		(void)io_write_at(dir, "freezer.state", "THAWED");
	return 0;
}

/* The v1 freezer holds even killed processes, while v2's lets them die. A container that may write
 * to its cgroups can have frozen a descendant. */
void v1_thaw(const struct cgroup *cgroup)
{
	static const struct group_walk all = { .enter = thaw_one };
	int dir = group_find(cgroup, "freezer");

	if (dir >= 0)
		(void)group_walk(cgroup->fds[dir], &all);
}

/* Repeats until a round finds no new process: one forked during a round is killed in the next. A
 * frozen process cannot fork, and all die together when thawed. */
int v1_kill(const struct cgroup *cgroup, int which, struct err *err)
{
	int v1 = group_find(cgroup, "freezer"), dir = cgroup->fds[which];
	int freezer = v1 < 0 ? -1 : cgroup->fds[v1];
	struct arena arenas[2] = { { 0 }, { 0 } };
	struct group_pids seen = { .arena = &arenas[1] };
	bool news = true;
	int r = 0;

	for (int round = 0; r == 0 && news && round < KILL_ROUNDS; round++) {
		struct group_pids pids = { .arena = &arenas[round % 2] };

		if (freezer >= 0)
			(void)io_write_at(freezer, "freezer.state", "FROZEN");
		r = group_list(dir, &pids, err);
		news = false;
		for (size_t i = 0; r == 0 && i < pids.n; i++)
			news = news || !group_pids_have(&seen, pids.v[i]);
		if (r == 0 && news)
			r = group_signal(dir, &pids, SIGKILL, err);
		v1_thaw(cgroup);
		arena_free(seen.arena);
		seen = pids;
	}
	arena_free(&arenas[0]);
	arena_free(&arenas[1]);
	return r;
}

static int wait_for_pids(const struct group_pids *pids, long long deadline)
{
	for (size_t i = 0; i < pids->n; i++) {
		_cleanup_close_ int pidfd = pidfd_open_process(pids->v[i]);

		if (pidfd >= 0 && pidfd_wait(pidfd, clock_left(deadline)) == -ETIMEDOUT)
			return -ETIMEDOUT;
	}
	return 0;
}

/* Kills, and waits until the directory lists no process. */
int v1_empty(const struct cgroup *cgroup, int dir, long long deadline, struct err *err)
{
	size_t n = 1;
	int r = 0;

	for (unsigned int turn = 0; r == 0 && n; turn++) {
		struct arena arena = { 0 };
		struct group_pids pids = { .arena = &arena };

		r = group_list(cgroup->fds[dir], &pids, err);
		n = pids.n;
		if (r == 0 && n)
			r = v1_kill(cgroup, dir, err);
		if (r == 0 && wait_for_pids(&pids, deadline) < 0)
			r = group_still_there(cgroup->fds[dir], err);
		arena_free(&arena);
		if (r == 0 && n && turn)
			group_pause(turn);
		if (r == 0 && n && !clock_left(deadline))
			r = group_still_there(cgroup->fds[dir], err);
	}
	return r;
}

static int rule_failed(const struct cgroup_device_rule *rule, const char *text, int error,
		       struct err *err)
{
	(void)err_errno(err, error, ERR_AT "%s: write \"%s\" to devices.%s", rule->json_path, text,
			rule->allow ? "allow" : "deny");
	if (error == EPERM || error == EINVAL)
		err_hint(err, "the parent cgroup allows fewer devices, or has other children");
	return -error;
}

/* The default can be changed only while the cgroup has no children. One removed just now counts
 * until the kernel has released it, a few milliseconds later, and no event reports that. */
static ssize_t write_rule(int fd, const struct cgroup_device_rule *rule, const char *text)
{
	ssize_t n = write(fd, text, strlen(text));

	for (unsigned int turn = 0;
	     n < 0 && errno == EINVAL && rule->type == 'a' && turn < RULE_TURNS; turn++) {
		group_pause(turn);
		n = write(fd, text, strlen(text));
	}
	return n;
}

int v1_apply_devices(int dir, const struct cgroup_plan *plan, struct err *err)
{
	_cleanup_close_ int allow = openat(dir, "devices.allow", O_WRONLY | O_CLOEXEC);
	_cleanup_close_ int deny = openat(dir, "devices.deny", O_WRONLY | O_CLOEXEC);
	struct arena arena = { 0 };
	int r = allow < 0 || deny < 0
			? err_errno(err, errno, "open the files of the devices controller")
			: 0;

	for (size_t i = 0; r == 0 && i < plan->n_device_rules; i++) {
		const struct cgroup_device_rule *rule = &plan->device_rules[i];
		const char *text = plan_device_rules_text(&arena, rule);
		ssize_t n = write_rule(rule->allow ? allow : deny, rule, text);

		if (n < 0 && rule->required)
			r = rule_failed(rule, text, errno, err);
		else if (n < 0) /* not from the config: an outer container may forbid it */
			log_debug("device rule \"%s\": %s", text, err_why(errno));
	}
	arena_free(&arena);
	return r;
}

int v1_watch_oom(int dir, int control, int *ret_fd, struct err *err)
{
	_cleanup_close_ int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char text[32];
	int r;

	if (event < 0)
		return err_errno(err, errno, "create an eventfd");
	(void)snprintf(text, sizeof(text), "%d %d", event, control);
	r = io_write_at(dir, "cgroup.event_control", text);
	if (r < 0)
		return err_errno(err, -r, "register with cgroup.event_control of the container");
	*ret_fd = fd_take(&event);
	return 0;
}
