/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/failure.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/host/barrier.h"
#include "src/oci/names.h"
#include "src/run/channel.h"
#include "src/state/status.h"
#include "src/steps/removal.h"
#include "src/sys/pidfd.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LAST_WORDS_MS = 1000, DEATH_TIMEOUT_MS = 10000, FROZEN_DEATH_MS = 200 };

/* Explains the death of a silent child: killed by the memory limit, by a seccomp profile … */
static void explain_death(struct start *start, struct err *err)
{
	const struct child *child = child_is_there(&start->init) ? &start->init : &start->stager;
	const char *name;
	int status;

	if (err->code != ECHILD || !child_is_there(child))
		return;
	/* The kernel closes the child's channel a moment before the parent can wait for it. */
	(void)pidfd_wait(child->pidfd, LAST_WORDS_MS);
	if (child_has_ended(child, &status) <= 0 || !WIFSIGNALED(status))
		return;
	name = names_signal_name(WTERMSIG(status));
	if (WTERMSIG(status) == SIGKILL && driver_oom_kills(&start->cgroup) > start->oom_kills)
		(void)err_prefix(err, "%s", driver_oom_words(&start->cgroup, start->arena));
	else
		(void)err_prefix(err, "killed by signal %d (%s)", WTERMSIG(status),
				 name ? name : "a real-time one");
}

/* The rows in which ENOENT is about the user's program. */
static bool is_about_program(const struct err *err)
{
	return str_equal(err->step, "cwd") || str_equal(err->step, "exec-find") ||
	       str_equal(err->step, "exec");
}

/* What works in a container whose init ends fails in many ways: it cannot enter, gets no process,
 * finds its cgroup removed, is killed. */
static void explain_end(const struct start *start, struct err *err)
{
	bool can_be = err->code == ECHILD || err->code == ENOMEM || err->code == EPERM ||
		      err->code == EACCES || err->code == ESRCH || err->code == ENODEV ||
		      (err->code == ENOENT && !is_about_program(err));

	if (start->target_pidfd >= 0 && can_be &&
	    (pidfd_wait(start->target_pidfd, 0) == 0 ||
	     status_is_dying((pid_t)start->state->pid.v)))
		(void)err_set(err, ESRCH, "container not running: %s: its init has just exited",
			      start->state->id);
}

static const struct mount_entry *find_mount(const struct plan *plan, const char *json_path)
{
	const char *const start = "mounts[";
	long index;

	if (!str_starts(json_path, start))
		return NULL;
	index = strtol(json_path + strlen(start), NULL, 10);
	for (size_t i = 0; i < plan->rootfs.n_mounts; i++)
		if (plan->rootfs.mounts[i].config_index == index)
			return &plan->rootfs.mounts[i];
	return NULL;
}

/* Names the directory that was refused. The parent looks, because the child sees owners on the host
 * through its own user namespace, or not at all before the maps are written. */
static void explain_refused(const struct start *start, struct err *err)
{
	const struct plan *plan = start->plan;
	const struct mount_entry *m = find_mount(plan, err->path);
	const struct barrier_view inside = { .uids = &plan->idmap.uid, .gids = &plan->idmap.gid };
	const char *words = NULL;

	if (err->code != EACCES)
		return;
	if (str_equal(err->path, "root.path"))
		barrier_hint(start->arena, &(struct barrier_view){ 0 }, plan->rootfs.path, 0, err);
	else if (m && str_ends(err->path, "].source"))
		barrier_hint(start->arena, &(struct barrier_view){ 0 }, m->source, 0, err);
	else if (m && plan->idmap.uid.n)
		words = barrier_of_root(start->arena, &inside, plan->rootfs.path, m->target);
	if (words)
		err_hint_first(err, "%s", words);
}

/* Another start may have written its own meanwhile. */
static void remove_pid_file(struct start *start)
{
	struct stat ours, there;

	if (start->pid_file_fd >= 0 && fstat(start->pid_file_fd, &ours) == 0 &&
	    lstat(start->pid_file, &there) == 0 && ours.st_dev == there.st_dev &&
	    ours.st_ino == there.st_ino)
		(void)unlink(start->pid_file);
	fd_closep(&start->pid_file_fd);
}

static void take_back(struct start *start)
{
	const struct removal how = { .config = start->plan->config, .signals = &start->signals };
	struct err err;

	remove_pid_file(start);
	if (devices_return(&start->net, &err) < 0)
		log_warning("%s", err.text);
	devices_close(&start->net);
	/* The lock was free while poststart hooks ran, so the container may have been deleted
	 * already. */
	if (!start->reserved ||
	    store_lock(start->state_dir, STORE_LOCK_TIMEOUT_MS, &err) == -ENOENT)
		return;
	/* The processes are gone and the recorded pid may have been reused. */
	start->state->pid.set = false;
	start->state->poststop_hooks.v = start->hooks_ran;
	if (removal_run(start->store, start->state_dir, start->state, &how, &err) < 0)
		log_notice("cleaning up: %s", err.text);
}

void failure_end(struct start *start, struct channel *channel, struct err *err)
{
	int timeout;

	explain_death(start, err);
	explain_end(start, err);
	explain_refused(start, err);
	/* An init whose stager died before introducing it ends by itself once the channel is
	 * closed. */
	channel_close(channel);
	/* The v1 freezer lets nothing die before it is thawed. */
	timeout = start_is_paused(start) ? FROZEN_DEATH_MS : DEATH_TIMEOUT_MS;
	(void)child_end(&start->stager, timeout);
	(void)child_end(&start->init, timeout);
	fd_closep(&start->net_answer); /* a keeper that has not begun has no init to end with */
	take_back(start);
}
