/* SPDX-License-Identifier: Apache-2.0 */
/* Where the container's cgroup goes and which limits are written there. Pure. */
#pragma once

#include "src/plan/cgroup_plan.h"

struct plan_cgroup_options {
	const char *id;
	const char *manager;  /* --cgroup-manager: "cgroupfs", "systemd", "disabled", NULL */
	bool may_own_cgroups; /* power: the caller may make groups in the hierarchies at large */
	bool delegates;       /* the container can write to the files of its cgroup */
};

/* A caller on pure v2 that may make no groups at large: it lives on what a manager gives it. */
bool plan_cgroup_lacks_own(const struct facts *facts);

/* Whether a plan depends on FACTS_SYSTEMD. */
bool plan_cgroup_needs_manager(const struct oci_config *config, const char *manager,
			       bool lacks_own);

/* Rules:
 * - linux.cgroupsPath absolute: below each hierarchy's mount. Relative: below the root of the v2 tree with
 *   may_own_cgroups, else below the caller's own group, or (v2) beside it where others are in that group and a limit
 *   needs a controller. Absent: "usrun-<id>" in the same place. One that cannot be had is an error.
 * - A unit that systemd has delegated to nobody but usrun holds the container's group too (v2).
 * - "disabled": no cgroup; an error when limits are asked for.
 * - Without a writable own group (rootless without delegation; a container that sees its cgroups
 *   read-only): no cgroup, why is set; when the config asks for limits, an error that names the missing
 *   controller and what to do. Device rules alone are not limits: they are dropped with a warning in why.
 * - "systemd", and a cgroupsPath of the form slice:prefix:name, make the cgroup a unit of systemd: of the
 *   system manager for a caller with may_own_cgroups, else of the user's. An error where it cannot be reached.
 * - A caller without may_own_cgroups that says nothing about cgroups gets a unit too (v2) when its manager can
 *   be reached: a scope of its own is the one place where its limits hold wherever it calls from. */
int plan_cgroup_build(struct arena *arena, const struct oci_config *config,
		      const struct facts *facts, const struct plan_cgroup_options *options,
		      struct cgroup_plan *ret, struct err *err) MUST_CHECK;
