/* SPDX-License-Identifier: Apache-2.0 */
/* A container's cgroup as a unit of systemd, created and managed through the manager that owns it:
 * systemd's next reload resets limits that are only in the files. */
#pragma once

#include "src/base/str.h"
#include "src/plan/plan_cgroup.h"

#include <sys/types.h>

/* Starts the unit, with the process in it if it is a scope, and waits until that is done (at most
 * 30 s). What is left of an earlier unit of the name is forgotten, once. Properties that this
 * systemd does not know are left out, their names added to *dropped: the files of the group are
 * written besides. A slice's path is put into *ret_path (arena); else it is NULL: /proc tells that
 * of the process. -EEXIST: the name belongs to a unit that is active. */
int unit_start(struct arena *arena, const struct cgroup_unit *unit, pid_t pid, struct str *dropped,
	       const char **ret_path, struct err *err) MUST_CHECK;

/* Changes properties of the running unit, until it ends (for `update`). */
int unit_set(const struct cgroup_unit_ref *unit, const struct cgroup_property *properties, size_t n,
	     struct str *dropped, struct err *err) MUST_CHECK;

/* The path of its cgroup (arena), "" if it has none. -ENOENT, without a text: the unit or its
 * manager does not exist. */
int unit_group(struct arena *arena, const struct cgroup_unit_ref *unit, const char **ret,
	       struct err *err) MUST_CHECK;

/* Ends the unit and its processes by SIGKILL, and forgets it. A missing unit or manager is fine. */
int unit_stop(const struct cgroup_unit_ref *unit, struct err *err) MUST_CHECK;

/* Has the manager move a process into the unit, subgroup "" or "/name": the kernel does not let a
 * caller do so from outside what is delegated to it. */
int unit_attach(const struct cgroup_unit_ref *unit, const char *subgroup, pid_t pid,
		struct err *err) MUST_CHECK;
