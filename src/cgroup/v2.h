/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/cgroup/group.h"

/* Lets the cgroup `dir` (its name in `name`) pass its controllers on to those below it: all that it
 * has, so that the clients find the files that they read. An error only for those that the plan's
 * limits need. */
int v2_pass_on(const struct cgroup_plan *plan, int dir, const char *name,
	       struct err *err) MUST_CHECK;

/* The same for just those that the plan's limits need: for systemd's cgroups, which are not ours to
 * change. */
int v2_pass_needs(const struct cgroup_plan *plan, int dir, const char *name,
		  struct err *err) MUST_CHECK;

/* An error if the cgroup lacks a controller that the plan's limits need. */
int v2_check_needs(const struct cgroup_plan *plan, int dir, const char *name,
		   struct err *err) MUST_CHECK;

/* Stops an empty cgroup from passing controllers on, so that it can hold processes. */
int v2_keep_controllers(const struct cgroup_dir *dir, int fd, struct err *err) MUST_CHECK;

/* Removes the cgroup beside a container's into which usrun itself has moved. */
void v2_remove_aside(const struct cgroup_dir *dir);

/* By cgroup.freeze of the directory. -ETIMEDOUT comes without a text, and the cgroup is thawed
 * again if it does not freeze. */
int v2_freeze(int dir, bool freeze, long long deadline, struct err *err) MUST_CHECK;

/* Waits until cgroup.events of the directory has the word ("frozen 1"): 0, -ETIMEDOUT or -errno. */
int v2_wait_event(int dir, const char *word, long long deadline);

/* Attaches the device rules of the plan, as a program. */
int v2_apply_devices(int dir, const struct cgroup_plan *plan, struct err *err) MUST_CHECK;
