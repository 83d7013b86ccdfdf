/* SPDX-License-Identifier: Apache-2.0 */
/* A container's cgroups as directories, whatever their layout: found, checked, walked, listed and
 * signalled. Below driver.h, v1.h and v2.h. */
#pragma once

#include "src/plan/plan_cgroup.h"

#include <limits.h>
#include <sys/types.h>

enum { GROUP_MAX_DIRS = 24, GROUP_PATIENCE_MS = 5000 /* for the killed to go */ };

/* An open cgroup of a container. Zero-initialise; driver_close() when done. */
struct cgroup {
	struct cgroup_place place;    /* its lists: arena of the caller */
	int fds[GROUP_MAX_DIRS];      /* directories, O_PATH; -1: not there */
	int join_fds[GROUP_MAX_DIRS]; /* the open files for driver_join_self(); -1: none */
};

/* An empty one for the place, at most GROUP_MAX_DIRS of its directories. */
void group_init(struct cgroup *cgroup, const struct cgroup_place *place);

static inline bool group_is_v2(const struct cgroup_dir *dir)
{
	return !*dir->controllers;
}

/* Index of the v2 directory, of one that has the named v1 controller, or of any open one; -1. */
int group_v2(const struct cgroup *cgroup);
int group_find(const struct cgroup *cgroup, const char *controller);
int group_any(const struct cgroup *cgroup);

/* mount + path, in the caller's buffer. */
struct group_path {
	char text[PATH_MAX];
};
const char *group_path(const struct cgroup_dir *dir, struct group_path *buf);

/* Refuses, whatever a damaged state says, anything but a cgroup below the root of a hierarchy. */
int group_check(const struct cgroup_dir *dir, struct err *err) MUST_CHECK;

/* Walks the cgroups below dir, however deep they are: enter is called for each, dir first; leave
 * after everything below it, with its parent and its name. Either may be NULL, and ends the walk
 * with a negative value, which is returned. A cgroup that vanishes meanwhile is skipped. */
struct group_walk {
	int (*enter)(int dir, void *data);
	int (*leave)(int parent, const char *name, void *data);
	void *data;
};
int group_walk(int dir, const struct group_walk *walk);

/* Pids of one directory and those below it; appended to *v, sorted, without duplicates. */
struct group_pids {
	struct arena *arena;
	pid_t *v;
	size_t n, cap;
};
int group_list(int dir, struct group_pids *pids, struct err *err) MUST_CHECK;
bool group_pids_have(const struct group_pids *pids, pid_t pid);

/* Signals those of the pids that directory `dir` and those below it still list: never a
 * stranger. */
int group_signal(int dir, const struct group_pids *pids, int signal, struct err *err) MUST_CHECK;

/* The error after waiting for GROUP_PATIENCE_MS: names the processes that remain. */
int group_still_there(int dir, struct err *err) MUST_CHECK;

/* For the short waits that the kernel reports to nobody: yields the processor a few times, then
 * waits for a millisecond. turn counts the calls. */
void group_pause(unsigned int turn);
