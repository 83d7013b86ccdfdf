/* SPDX-License-Identifier: Apache-2.0 */
/* A unit's properties as sent to systemd, without those that it does not know. Pure. */
#pragma once

#include "src/base/str.h"
#include "src/plan/plan_cgroup.h"

enum { UNIT_PROPERTIES_MAX = 128 };

struct unit_properties {
	const struct cgroup_property *v[UNIT_PROPERTIES_MAX];
	size_t n;
};

/* Collects the properties, at most UNIT_PROPERTIES_MAX. */
void unit_properties_collect(struct unit_properties *sent, const struct cgroup_property *v,
			     size_t n);

/* Appends them to the body of a call, as "a(sv)". */
void unit_properties_put(struct str *body, const struct unit_properties *sent);

/* Removes the property named in the manager's error, and adds its name to *dropped: true if the
 * call can be retried without it. A property that an annotation requests by name is never
 * dropped. */
bool unit_properties_drop(struct unit_properties *sent, const char *error, const char *text,
			  struct str *dropped);
