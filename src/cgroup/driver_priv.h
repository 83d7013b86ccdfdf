/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the driver. */
#pragma once

#include "src/cgroup/driver.h"

#include <limits.h>

static inline bool driver_priv_is_v2(const struct cgroup_dir *dir)
{
	return !*dir->controllers;
}

/* Index of the v2 directory, of one that has the named v1 controller, or of any open one; -1. */
int driver_priv_v2(const struct cgroup *cgroup);
int driver_priv_find(const struct cgroup *cgroup, const char *controller);
int driver_priv_any(const struct cgroup *cgroup);

/* Index of the directory that a limit is written in, or -1. */
int driver_priv_dir(const struct cgroup *cgroup, const struct cgroup_write *w);

/* Whether a word is in a list. */
bool driver_priv_has(const char *list, const char *word, char separator);

/* mount + path, in the caller's buffer. */
struct driver_priv_path {
	char text[PATH_MAX];
};
const char *driver_priv_path(const struct cgroup_dir *dir, struct driver_priv_path *buf);

/* On a group above a container's that was made for it: who deletes the last container below it takes it away. */
#define DRIVER_PRIV_MADE "user.usrun.made"

/* Refuses, whatever a damaged state says, all that is not a group below the root of a hierarchy. */
int driver_priv_check(const struct cgroup_dir *dir, struct err *err) MUST_CHECK;

/* An empty struct cgroup for the place, at most DRIVER_MAX_DIRS of them. */
void driver_priv_init(struct cgroup *cgroup, const struct cgroup_place *place);

/* v2: lets the group `dir` (its name in `name`) pass its controllers on to those below it: all that it has, so
 * that the clients find the files that they read. An error only for those that the plan's limits need. */
int driver_priv_pass_on(const struct cgroup_plan *plan, int dir, const char *name,
			struct err *err) MUST_CHECK;

/* An error if the group lacks a controller that the plan's limits need. */
int driver_priv_check_needs(const struct cgroup_plan *plan, int dir, const char *name,
			    struct err *err) MUST_CHECK;

/* The same for those alone that the plan's limits need: for groups of systemd, which are not ours to change. */
int driver_priv_pass_needs(const struct cgroup_plan *plan, int dir, const char *name,
			   struct err *err) MUST_CHECK;

/* Attaches the rules of the plan. */
int driver_priv_apply_devices(const struct cgroup *cgroup, const struct cgroup_plan *plan,
			      struct err *err) MUST_CHECK;

/* Walks over the groups below dir, however deep they are: enter is called for each, dir first; leave after
 * all below it was walked, with its parent and its name. Either may be NULL, and ends the walk with a
 * negative value, which is returned. A group that vanishes meanwhile is passed over. */
struct driver_priv_walk {
	int (*enter)(int dir, void *data);
	int (*leave)(int parent, const char *name, void *data);
	void *data;
};
int driver_priv_walk(int dir, const struct driver_priv_walk *walk);

/* Pids of one directory and those below it; appended to *v, sorted, each once. */
struct driver_priv_pids {
	struct arena *arena;
	pid_t *v;
	size_t n, cap;
};
int driver_priv_list(int dir, struct driver_priv_pids *pids, struct err *err) MUST_CHECK;

/* Kills, by pid, all in directory `dir` of the group and below, freezing them in v1. */
int driver_priv_kill_dir(const struct cgroup *cgroup, int dir, struct err *err) MUST_CHECK;

/* Waits until cgroup.events of a v2 directory has the word ("frozen 1"): 0, -ETIMEDOUT or -errno. */
int driver_priv_wait_event(int dir, const char *word, long long deadline);

/* For the few moments that the kernel reports to nobody: gives up the processor a few times, then waits for
 * a millisecond. turn counts the calls. */
void driver_priv_pause(unsigned int turn);
