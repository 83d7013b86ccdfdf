/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/cgroup/group.h"

/* Gives a new cpuset its parent's CPUs and nodes: empty, it cannot be joined. 0 or -errno. */
int v1_inherit_cpuset(int parent, int child);

/* Writes freezer.state and waits. -ETIMEDOUT comes without a text, and the cgroup is thawed again
 * if it does not freeze. */
int v1_freeze(int dir, bool freeze, long long deadline, struct err *err) MUST_CHECK;

/* Thaws the cgroup and its descendants: the v1 freezer holds even killed processes. */
void v1_thaw(const struct cgroup *cgroup);

/* Kills, by pid, everything in that directory of the cgroup and below, frozen meanwhile if there is
 * a freezer. */
int v1_kill(const struct cgroup *cgroup, int which, struct err *err) MUST_CHECK;

/* Kills, and waits until that directory lists no process. */
int v1_empty(const struct cgroup *cgroup, int dir, long long deadline, struct err *err) MUST_CHECK;

/* Writes the plan's device rules into a directory of the devices controller. */
int v1_apply_devices(int dir, const struct cgroup_plan *plan, struct err *err) MUST_CHECK;

/* An eventfd that reports OOM kills. */
int v1_watch_oom(int dir, int control, int *ret_fd, struct err *err) MUST_CHECK;
