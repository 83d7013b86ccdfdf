/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources as writes to cgroup files: one table, for both layouts. Pure. */
#pragma once

#include "src/plan/plan_writes.h"

/* Fills writes in the order in which the kernel takes them. Properties that the layout has no file for are
 * errors that name them. */
int plan_resources_build(struct arena *arena, const struct oci_resources *resources,
			 struct plan_layout layout, const struct cgroup_write **ret, size_t *ret_n,
			 struct err *err) MUST_CHECK;

/* Whether anything but device rules is asked for. */
bool plan_resources_any(const struct oci_resources *resources);
