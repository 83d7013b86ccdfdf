/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources.devices as one list, and as what cgroup v1 can hold. Pure. */
#pragma once

#include "src/plan/plan_cgroup.h"

/* The complete list: nothing is allowed at first, then the config's rules in their order (resources may be
 * NULL), then the devices that every container may use. The last rule that matches decides, for each of
 * mknod, read and write by itself. */
void plan_device_rules_build(struct arena *arena, const struct oci_resources *resources,
			     const struct cgroup_device_rule **ret, size_t *ret_n);

/* The same list for v1, where the kernel keeps a default and exceptions to it, and matches an exception that
 * is to be taken back only by equal numbers: the first rule is the default (type 'a'), the others are
 * exceptions. -ENOTSUP for a list that v1 cannot hold (an exception inside an exception), which the kernel
 * would take without a word, and not obey. */
int plan_device_rules_v1(struct arena *arena, const struct cgroup_device_rule *rules, size_t n,
			 const struct cgroup_device_rule **ret, size_t *ret_n,
			 struct err *err) MUST_CHECK;

/* A rule as the files of v1 take it: "c 1:3 rwm", "a". */
const char *plan_device_rules_text(struct arena *arena, const struct cgroup_device_rule *rule);
