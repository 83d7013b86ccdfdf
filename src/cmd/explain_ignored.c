/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/explain_ignored.h"

#include "src/base/io.h"
#include "src/plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define OWN_SCORE "/proc/self/oom_score_adj"

static void look_at_oom(struct arena *arena, const struct plan *plan,
			const struct explain_missing *out)
{
	const struct caller *caller = &plan->facts->caller;
	char now[16];

	if (!plan->process.set_oom || io_read_small(AT_FDCWD, OWN_SCORE, now, sizeof(now)) < 0 ||
	    io_write_at(AT_FDCWD, OWN_SCORE,
			arena_strf(arena, "%d", plan->process.oom_score_adj)) != -EACCES)
		return;
	now[strcspn(now, "\n")] = '\0';
	if (plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN) || !caller->initial_userns)
		out->tell(out->data, "process.oomScoreAdj",
			  arena_strf(arena,
				     "lowering it needs CAP_SYS_RESOURCE, the caller's %s is kept",
				     now));
}

static void look_at_label(struct arena *arena, const char *label, const char *json_path,
			  const char *module, const struct explain_missing *out)
{
	if (label && *label)
		out->tell(
			out->data, json_path,
			arena_strf(arena, "\"%s\" is ignored: this host has no %s", label, module));
}

void explain_ignored(struct arena *arena, const struct plan *plan,
		     const struct explain_missing *out)
{
	const struct process_plan *p = &plan->process;
	const char *lsm = facts_lsm();

	if (!str_equal(lsm, "apparmor"))
		look_at_label(arena, p->apparmor_profile, "process.apparmorProfile", "AppArmor",
			      out);
	if (!str_equal(lsm, "selinux"))
		look_at_label(arena, p->selinux_label, "process.selinuxLabel", "SELinux", out);
	look_at_oom(arena, plan, out);
}
