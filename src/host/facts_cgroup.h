/* SPDX-License-Identifier: Apache-2.0 */
/* Where the control groups are, and where the caller is in them. */
#pragma once

#include "src/host/facts.h"

/* Fills the part. A machine without control groups is no error: mode is FACTS_CGROUP_NONE. */
int facts_cgroup_gather(struct arena *arena, const struct caller *caller, struct facts_cgroup *ret,
			struct err *err) MUST_CHECK;

/* Adds FACTS_UNIFIED to it. */
void facts_cgroup_add_unified(struct arena *arena, struct facts_cgroup *cgroup);

/* Pure: the hierarchies out of the texts of /proc/self/cgroup and /proc/self/mountinfo that are
 * mounted and not hidden by another mount. v1: those of version 1, the v2 tree last (hybrid); v2:
 * that alone. own is relative to the mount, so that mount + own is the caller's directory; "/"
 * where the mount does not show it. Fills v and n only. */
void facts_cgroup_parse(struct arena *arena, const char *cgroup, const char *mountinfo,
			struct facts_cgroup *ret);
