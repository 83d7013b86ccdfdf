/* SPDX-License-Identifier: Apache-2.0 */
/* Values of org.systemd.property.* annotations, in the text format of GVariant. Pure. */
#pragma once

#include "src/plan/plan_cgroup.h"

/* true, 15, -1, 'text', "text", uint64 5, ['a', 'b'], @as []. Fills type and value of *ret; name stays as
 * it is. -EINVAL without a text for what is none of these. */
int plan_gvariant_parse(struct arena *arena, const char *text,
			struct cgroup_property *ret) MUST_CHECK;

/* FooSec in seconds, as people write it, to FooUSec in microseconds, as systemd takes it. Other names stay. */
int plan_gvariant_seconds(struct arena *arena, struct cgroup_property *property) MUST_CHECK;
