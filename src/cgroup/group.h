/* SPDX-License-Identifier: Apache-2.0 */
/* A container's cgroups as directories, in any layout: finding, checking, walking, listing and
 * signalling. Below driver.h, v1.h and v2.h. */
#pragma once

#include "src/plan/plan_cgroup.h"

#include <limits.h>
#include <sys/types.h>

enum { GROUP_MAX_DIRS = 24, GROUP_PATIENCE_MS = 5000 /* for killed processes to end */ };

/* An open cgroup of a container. Zero-initialise; driver_close() when done. */
struct cgroup {
	struct cgroup_place place;    /* its lists are in the caller's arena */
	int fds[GROUP_MAX_DIRS];      /* O_PATH directories; -1: missing */
	int join_fds[GROUP_MAX_DIRS]; /* files opened for driver_join_self(); -1: none */
};

/* Initialises *cgroup for the place, with nothing open and at most GROUP_MAX_DIRS directories. */
void group_init(struct cgroup *cgroup, const struct cgroup_place *place);

static inline bool group_is_v2(const struct cgroup_dir *dir)
{
	return !*dir->controllers;
}

/* Index of the v2 directory, of one that has the named v1 controller, or of any open one; or -1. */
int group_v2(const struct cgroup *cgroup);
int group_find(const struct cgroup *cgroup, const char *controller);
int group_any(const struct cgroup *cgroup);

/* The text of a file that may have a line per device or processor, without its last newline. 0, or
 * -errno without an error text. */
int group_read(int dir, const char *file, struct arena *arena, char **ret);

/* mount + path, in the caller's buffer. */
struct group_path {
	char text[PATH_MAX];
};
const char *group_path(const struct cgroup_dir *dir, struct group_path *buf);

/* Refuses anything but a cgroup below the root of a hierarchy, whatever a damaged state says. */
int group_check(const struct cgroup_dir *dir, struct err *err) MUST_CHECK;

/* Walks `dir` and its descendants, however deep: enter() is called for each cgroup before its
 * children; leave() after them, with the cgroup's parent and name. Either may be NULL. A negative
 * value from either ends the walk and is returned. Cgroups that vanish meanwhile are skipped. */
struct group_walk {
	bool skips_closed; /* what the caller may not read cannot be its own */
	int (*enter)(int dir, void *data);
	int (*leave)(int parent, const char *name, void *data);
	void *data;
};
int group_walk(int dir, const struct group_walk *walk);

/* Whether a walk goes on without a cgroup that gave this error (positive). */
bool group_walk_skips(const struct group_walk *walk, int error);

/* Pids of a directory and its descendants, appended to *v, sorted, without duplicates. */
struct group_pids {
	struct arena *arena;
	pid_t *v;
	size_t n, cap;
};
int group_list(int dir, struct group_pids *pids, struct err *err) MUST_CHECK;
bool group_pids_have(const struct group_pids *pids, pid_t pid);

/* Signals those pids that `dir` or its descendants still list, and never another process. */
int group_signal(int dir, const struct group_pids *pids, int signal, struct err *err) MUST_CHECK;

/* The error after waiting for GROUP_PATIENCE_MS. It names the remaining processes. */
int group_still_there(int dir, struct err *err) MUST_CHECK;

/* For short waits that no event ends: yields the processor a few times, then sleeps for a
 * millisecond. `turn` counts the calls. */
void group_pause(unsigned int turn);
