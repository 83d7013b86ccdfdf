/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups: made, joined, watched and removed, without sleeping. One driver file for each
 * layout; callers use these functions and never look at the layout. */
#pragma once

#include "src/plan/cgroup_plan.h"

#include <sys/types.h>

enum { DRIVER_MAX_DIRS = 24 };

/* An open cgroup of a container. Zero-initialise; driver_close() when done. */
struct cgroup {
	enum cgroup_driver_kind kind;
	const struct cgroup_dir *dirs; /* arena of the caller */
	size_t n_dirs;
	int fds[DRIVER_MAX_DIRS];      /* directories, O_CLOEXEC */
	int join_fds[DRIVER_MAX_DIRS]; /* v1: the open "tasks" files, for driver_join_self() */
};

/* Makes the directories of the plan (parents as needed), enables controllers (v2), and opens them. What
 * this call made is taken back when it fails. An existing cgroup with processes in it, or a frozen
 * one, is an error. */
int driver_create(const struct cgroup_plan *plan, struct cgroup *ret, struct err *err) MUST_CHECK;

/* Descriptor for CLONE_INTO_CGROUP (v2), or -1. */
int driver_clone_fd(const struct cgroup *cgroup);

/* Moves the calling process, which must be single-threaded, into the group. v1: writes "0" to each
 * "tasks" file (a write to cgroup.procs would wait 6 to 10 ms for a grace period). v2: cgroup.procs. */
int driver_join_self(const struct cgroup *cgroup, struct err *err) MUST_CHECK;

/* Writes the limits of the plan, device rules included; in the parent, after create. */
int driver_apply(const struct cgroup *cgroup, const struct cgroup_plan *plan, struct err *err) MUST_CHECK;

/* Opens the group of a running container from the directories in its state. Missing directories are
 * left out (fd -1); -ENOENT where none is left. Refuses a path with ".." or not below its mount. */
int driver_open(enum cgroup_driver_kind kind, const struct cgroup_dir *dirs, size_t n_dirs,
		struct cgroup *ret, struct err *err) MUST_CHECK;
void driver_close(struct cgroup *cgroup);

/* Processes of the group and of all groups below it, each once, in the caller's pid namespace. */
int driver_pids(const struct cgroup *cgroup, struct arena *arena, pid_t **ret, size_t *ret_n,
		struct err *err) MUST_CHECK;

/* Sends a signal to every process of the group and below. SIGKILL: cgroup.kill (v2), or freeze, kill
 * and thaw (v1), repeated until none is left to signal. An empty group is success. */
int driver_kill(const struct cgroup *cgroup, int signal, struct err *err) MUST_CHECK;

/* Freezes or thaws, and waits (at most 10 s, on events) until the kernel says so. -ENOTSUP with a
 * clear text where there is no freezer. */
int driver_freeze(const struct cgroup *cgroup, bool freeze, struct err *err) MUST_CHECK;
bool driver_is_frozen(const struct cgroup *cgroup);

/* Kills what is left inside, waits for it to go (cgroup.events, pidfds), removes the group and the
 * groups below it. Only what is below the directories; missing ones are fine. */
int driver_remove(enum cgroup_driver_kind kind, const struct cgroup_dir *dirs, size_t n_dirs,
		  struct err *err) MUST_CHECK;
