/* SPDX-License-Identifier: Apache-2.0 */
/* The container's cgroup as a unit of systemd: its name, its place and its properties. Pure. */
#pragma once

#include "src/plan/plan_cgroup.h"

struct plan_unit_request {
	const char *id;
	const char *wanted; /* linux.cgroupsPath, or NULL: slice:prefix:name */
	enum cgroup_manager manager;
	const char *runtime_dir;
};

/* Whether a cgroupsPath has the form slice:prefix:name. */
bool plan_unit_is_path(const char *wanted);

/* Names: "slice:prefix:name" is prefix-name.scope in slice, and name itself when it ends in ".slice"; without
 * a wish it is usrun-ID.scope in system.slice or, for a user manager, user.slice. Characters that
 * unit names do not have are escaped as systemd does it. */
int plan_unit_name(struct arena *arena, const struct plan_unit_request *request,
		   struct cgroup_unit *ret, struct err *err) MUST_CHECK;

/* All properties: usrun's own, those that hold the limits of the plan (so that a reload of systemd does not
 * lift what was written to the files), its device rules, and the annotations, which win. */
int plan_unit_properties(struct arena *arena, const struct oci_config *config,
			 const struct cgroup_plan *plan, const char *id, struct cgroup_unit *unit,
			 struct err *err) MUST_CHECK;

/* Only the limits, for an update: writes of plan_resources_build() that systemd has properties for. */
void plan_unit_limits(struct arena *arena, const struct cgroup_write *writes, size_t n,
		      const struct cgroup_property **ret, size_t *ret_n);
