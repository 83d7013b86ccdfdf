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

/* Adds those, of which there is room for all but the last. */
void unit_properties_collect(struct unit_properties *sent, const struct cgroup_property *v,
			     size_t n);

/* Puts them into the body of a call, as "a(sv)". */
void unit_properties_put(struct str *body, const struct unit_properties *sent);

/* Takes out the one that an error of the manager names, and adds its name to *dropped: true if the
 * call can be tried without it. One that an annotation asks for by its name is not left out. */
bool unit_properties_drop(struct unit_properties *sent, const char *error, const char *text,
			  struct str *dropped);
