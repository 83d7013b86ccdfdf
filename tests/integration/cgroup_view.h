/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's API against this machine's cgroups: as they are, and in private mount namespaces
 * that show only the v1 hierarchies, or only a v2 tree (whose root is a group that the test
 * makes). */
#pragma once

#include "src/cgroup/driver.h"

enum view { VIEW_HOST, VIEW_V1, VIEW_V2 };

/* Runs function in a process of its own in that view, and fails the check of the caller if one of
 * its checks failed. A view that this machine cannot give is passed over with a line that says
 * so. */
void cgroup_view_run(enum view view, void (*function)(void));

/* A name that no other group on the machine has; the test proves that none of it is left. */
const char *cgroup_view_name(void);
void cgroup_view_check_clean(void);

/* Plan for linux.cgroupsPath and linux.resources (either may be NULL), as for root, from the facts
 * of here. */
int cgroup_view_plan(const char *path, const char *resources, struct cgroup_plan *ret,
		     struct err *err) MUST_CHECK;

/* A group with that plan, made and with its limits; a failure fails the check and gives no
 * directories. */
struct cgroup cgroup_view_create(const char *path, const char *resources, struct cgroup_plan *plan);

/* A process in the group that runs function and exits with what it returns. */
pid_t cgroup_view_spawn(const struct cgroup *cgroup, int (*function)(void));

/* The exit status of a child; 128 + signal. */
int cgroup_view_wait(pid_t pid);

/* The text of a file of the group in the hierarchy that has the controller ("" : v2). */
const char *cgroup_view_read(const struct cgroup *cgroup, const char *controller, const char *file);

/* How many directories of the plan exist. */
size_t cgroup_view_count(const struct cgroup_plan *plan);
