/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "src/cgroup/group.h"

/* Passes all controllers of the cgroup `dir`, called `name`, on to its children, so that clients
 * find the files that they read. Fails only if the plan's limits need a missing one. */
int v2_pass_on(const struct cgroup_plan *plan, int dir, const char *name,
	       struct err *err) MUST_CHECK;

/* The same for only those controllers that the plan's limits need: for systemd's cgroups, which are
 * not ours to change. */
int v2_pass_needs(const struct cgroup_plan *plan, int dir, const char *name,
		  struct err *err) MUST_CHECK;

/* Fails if the cgroup lacks a controller that the plan's limits need. */
int v2_check_needs(const struct cgroup_plan *plan, int dir, const char *name,
		   struct err *err) MUST_CHECK;

/* Stops an empty cgroup from passing controllers on, so that it can hold processes. */
int v2_keep_controllers(const struct cgroup_dir *dir, int fd, struct err *err) MUST_CHECK;

/* Removes the cgroup, beside a container's, into which usrun has moved itself. */
void v2_remove_aside(const struct cgroup_dir *dir);

/* Writes cgroup.freeze and waits. -ETIMEDOUT comes without a text, and the cgroup is thawed again
 * if it does not freeze. */
int v2_freeze(int dir, bool freeze, long long deadline, struct err *err) MUST_CHECK;

/* Waits until the directory's cgroup.events contains `word` ("frozen 1"): 0, -ETIMEDOUT or
 * -errno. */
int v2_wait_event(int dir, const char *word, long long deadline);

/* Attaches the plan's device rules as a BPF program. */
int v2_apply_devices(int dir, const struct cgroup_plan *plan, struct err *err) MUST_CHECK;
