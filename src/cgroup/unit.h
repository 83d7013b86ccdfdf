/* SPDX-License-Identifier: Apache-2.0 */
/* A container's cgroup as a systemd unit, created and changed through the manager that owns it: the
 * next daemon-reload resets limits that exist only in the cgroup's files. */
#pragma once

#include "src/base/str.h"
#include "src/plan/plan_cgroup.h"

#include <sys/types.h>

/* Starts the unit, with the process in it if it is a scope, and waits for the job (at most 30 s). A
 * failed unit of the same name is reset, once. Properties that this systemd does not know are
 * skipped and their names added to *dropped; the cgroup's files are written as well. *ret_path
 * receives a slice's path (arena), else NULL: /proc shows the process's. -EEXIST: an active unit
 * has the name. */
int unit_start(struct arena *arena, const struct cgroup_unit *unit, pid_t pid, struct str *dropped,
	       const char **ret_path, struct err *err) MUST_CHECK;

/* Changes properties of the running unit, until it stops (for `update`). */
int unit_set(const struct cgroup_unit_ref *unit, const struct cgroup_property *properties, size_t n,
	     struct str *dropped, struct err *err) MUST_CHECK;

/* The path of the unit's cgroup (arena), "" if it has none. -ENOENT, without a text: the unit or
 * its manager does not exist. */
int unit_group(struct arena *arena, const struct cgroup_unit_ref *unit, const char **ret,
	       struct err *err) MUST_CHECK;

/* Kills the unit's processes with SIGKILL, and stops and resets the unit. A missing unit or manager
 * is fine. */
int unit_stop(const struct cgroup_unit_ref *unit, struct err *err) MUST_CHECK;

/* Asks the manager to move a process into the unit (subgroup: "" or "/name"): the kernel does not
 * let a caller move processes across the boundary of what is delegated to it. */
int unit_attach(const struct cgroup_unit_ref *unit, const char *subgroup, pid_t pid,
		struct err *err) MUST_CHECK;
