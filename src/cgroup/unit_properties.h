/* SPDX-License-Identifier: Apache-2.0 */
/* The properties of a unit as systemd gets them: without those that it does not know. Pure. */
#pragma once

#include "src/base/str.h"
#include "src/plan/plan_cgroup.h"

enum { UNIT_PROPERTIES_MAX = 128 };

struct unit_properties {
	const struct cgroup_property *v[UNIT_PROPERTIES_MAX];
	size_t n;
};

/* Adds names to it; there is room for all but the last. */
void unit_properties_collect(struct unit_properties *sent, const struct cgroup_property *v,
			     size_t n);

/* Appends them to the body of a call, as "a(sv)". */
void unit_properties_put(struct str *body, const struct unit_properties *sent);

/* Removes the one named in an error of the manager, and adds its name to *dropped: true if the call
 * can be retried without it. One that an annotation requests by name is not left out. */
bool unit_properties_drop(struct unit_properties *sent, const char *error, const char *text,
			  struct str *dropped);
