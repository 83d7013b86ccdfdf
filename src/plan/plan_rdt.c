/* SPDX-License-Identifier: Apache-2.0 */
/* Cache and memory bandwidth (resctrl): the group of the container, what is written into it, and whether it
 * is removed with the container: only one that is named after it. */
#include "src/plan/plan_rdt.h"

#include "src/base/str.h"
#include "src/plan/plan_parts.h"

struct rdt_plan plan_rdt_of(struct arena *arena, const struct oci_config *config, const char *id)
{
	const struct oci_rdt *rdt = config->linux_ ? config->linux_->intel_rdt : NULL;
	struct rdt_plan plan = { 0 };
	const char **lines;

	if (!rdt)
		return plan;
	plan.own = !rdt->clos_id;
	plan.group = plan.own ? id : str_equal(rdt->clos_id, "/") ? "." : rdt->clos_id;
	if (rdt->enable_monitoring.v)
		plan.monitor = arena_strf(arena, "%s/mon_groups/%s", plan.group, id);
	lines = arena_array(arena, rdt->schemata.n + 2, sizeof(*lines));
	if (rdt->l3_cache_schema)
		lines[plan.n_lines++] = rdt->l3_cache_schema;
	if (rdt->mem_bw_schema)
		lines[plan.n_lines++] = rdt->mem_bw_schema;
	for (size_t i = 0; i < rdt->schemata.n; i++)
		lines[plan.n_lines++] = rdt->schemata.v[i];
	plan.lines = lines;
	return plan;
}

void plan_rdt_build(struct plan_build *b)
{
	b->plan->rdt = plan_rdt_of(b->arena, b->plan->config, b->plan->options->id);
}
