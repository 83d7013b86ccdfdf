/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan_parts.h"

#include "src/base/str.h"

void plan_parts_warn(struct plan_build *b, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	va_start(ap, fmt);
	str_line(text, sizeof(text), fmt, ap);
	va_end(ap);
	b->warnings = arena_room(b->arena, b->warnings, b->n_warnings, &b->cap_warnings,
				 sizeof(*b->warnings));
	b->warnings[b->n_warnings++].text = arena_strdup(b->arena, text);
}

/* A joined namespace, and a caller whose maps were not gathered, are unknown. */
static bool is_mapped(const struct plan *plan, const struct idmap *made, const struct idmap *own,
		      uint32_t id)
{
	if (plan->flags & PLAN_USERNS_NEW)
		return idmap_to_host(made, id) >= 0;
	return (plan->flags & PLAN_USERNS_JOIN) || idmap_is_empty(own) ||
	       idmap_to_host(own, id) >= 0;
}

bool plan_parts_uid_mapped(const struct plan *plan, uint32_t uid)
{
	return is_mapped(plan, &plan->idmap.uid, &plan->facts->caller.uid_map, uid);
}

bool plan_parts_gid_mapped(const struct plan *plan, uint32_t gid)
{
	return is_mapped(plan, &plan->idmap.gid, &plan->facts->caller.gid_map, gid);
}

bool plan_parts_in_userns(const struct plan *plan)
{
	return (plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN)) ||
	       !plan->facts->caller.initial_userns;
}
