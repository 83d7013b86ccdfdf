/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan_parts.h"

#include "src/base/str.h"
#include "src/oci/names.h"

#include <sched.h>

int plan_exec_build(struct arena *arena, const struct plan_exec_request *request,
		    const struct plan **ret, struct err *err)
{
	struct plan *plan = arena_new(arena, struct plan);
	struct plan_build b = { .arena = arena, .plan = plan };
	int r;

	plan->config = request->config;
	plan->facts = request->facts;
	plan->options = request->options;
	for (size_t i = 0; i < request->n_namespaces; i++)
		plan->ns.join_flags |=
			(unsigned int)json_read_enum(names_namespaces, request->namespaces[i]);
	/* A pid or time namespace holds only the children of the process that joined it. */
	if (plan->ns.join_flags & (CLONE_NEWUSER | CLONE_NEWPID | 0x80 /* CLONE_NEWTIME */))
		plan->flags |= PLAN_STAGER | PLAN_NS_JOIN;
	if (plan->ns.join_flags & CLONE_NEWUSER)
		plan->flags |= PLAN_USERNS_JOIN;
	if (request->has_cgroup)
		plan->flags |= PLAN_CGROUP;
	if (request->has_unit)
		plan->flags |= PLAN_CGROUP_UNIT;
	plan->powers = powers_derive(plan->facts, plan->ns.join_flags & CLONE_NEWUSER);
	if (!request->options->no_new_keyring)
		plan->process.keyring = request->options->id;
	r = plan_process_build(&b, request->process, err);
	if (r < 0)
		return r;
	plan->rdt = plan_rdt(arena, plan->config, plan->options->id);
	plan->process.affinity = request->process->exec_cpu_affinity;
	plan->warnings = b.warnings;
	plan->n_warnings = b.n_warnings;
	*ret = plan;
	return 0;
}
