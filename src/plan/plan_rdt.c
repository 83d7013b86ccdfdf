/* SPDX-License-Identifier: Apache-2.0 */
/* Cache and memory bandwidth (resctrl): the group of the container, what is written into it, and whether it
 * is removed with the container: only one that is named after it. */
#include "src/plan/plan_parts.h"

#include "src/base/str.h"

void plan_rdt_build(struct plan_build *b)
{
	const struct oci_linux *linux_ = b->plan->config->linux_;
	const struct oci_rdt *rdt = linux_ ? linux_->intel_rdt : NULL;
	struct rdt_plan *p = &b->plan->rdt;
	const char **lines;

	if (!rdt)
		return;
	p->own = !rdt->clos_id;
	p->group = p->own                         ? b->plan->options->id
		   : str_equal(rdt->clos_id, "/") ? "."
						  : rdt->clos_id;
	if (rdt->enable_monitoring.v)
		p->monitor =
			arena_strf(b->arena, "%s/mon_groups/%s", p->group, b->plan->options->id);
	lines = arena_array(b->arena, rdt->schemata.n + 2, sizeof(*lines));
	if (rdt->l3_cache_schema)
		lines[p->n_lines++] = rdt->l3_cache_schema;
	if (rdt->mem_bw_schema)
		lines[p->n_lines++] = rdt->mem_bw_schema;
	for (size_t i = 0; i < rdt->schemata.n; i++)
		lines[p->n_lines++] = rdt->schemata.v[i];
	p->lines = lines;
}
