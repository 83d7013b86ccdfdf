/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits and the OOM score: by the parent where only it may, else by the process itself. */
#include "src/steps/steps.h"

#include "src/base/io.h"
#include "src/oci/names.h"
#include "src/sys/privs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* Lowering takes CAP_SYS_RESOURCE in the first user namespace. In a user namespace nobody can have it, so
 * there the caller's value stays, and that is recorded. */
static int oom_refused(struct run *run, const char *path, struct err *err)
{
	int wanted = run->plan->process.oom_score_adj;
	bool user = run->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN) ||
		    !run->plan->facts->caller.initial_userns;
	char now[16];

	if (io_read_small(AT_FDCWD, path, now, sizeof(now)) < 0)
		(void)strcpy(now, "value");
	now[strcspn(now, "\n")] = '\0';
	if (user) {
		run_note(run,
			 "process.oomScoreAdj %d: lowering it needs CAP_SYS_RESOURCE, the caller's "
			 "%s is kept",
			 wanted, now);
		return 0;
	}
	(void)err_set(err, EPERM, ERR_AT "process.oomScoreAdj: %d is below the caller's %s", wanted,
		      now);
	return err_hint(err, "lowering it needs CAP_SYS_RESOURCE");
}

int step_oom_set(struct run *run, struct err *err)
{
	char path[64], value[16];
	int r;

	if (!run->plan->process.set_oom)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)run_first(run)->pid);
	(void)snprintf(value, sizeof(value), "%d", run->plan->process.oom_score_adj);
	r = io_write_at(AT_FDCWD, path, value);
	if (r == -EACCES)
		return oom_refused(run, path, err);
	return r < 0 ? err_errno(err, -r, ERR_AT "process.oomScoreAdj: write %s", value) : 0;
}

/* pid 0: ourselves. What may not be raised was refused or cut down in the plan; the rest is the
 * kernel's matter: fs.nr_open, an LSM. */
static int set_limit(pid_t pid, const struct rlimit_plan *limit, struct err *err)
{
	struct rlimit wanted = { .rlim_cur = limit->soft, .rlim_max = limit->hard }, now;
	int r = privs_limit(pid, limit->resource, &wanted, NULL);

	if (r == 0)
		return 0;
	(void)err_errno(err, -r, ERR_AT "process.rlimits: set %s to %llu:%llu",
			json_read_enum_name(names_rlimits, limit->resource),
			(unsigned long long)limit->soft, (unsigned long long)limit->hard);
	if (privs_limit(pid, limit->resource, NULL, &now) == 0)
		err_hint(err, "it is %llu:%llu; fs.nr_open bounds open files for everybody",
			 (unsigned long long)now.rlim_cur, (unsigned long long)now.rlim_max);
	return r;
}

static int set_limits(const struct process_plan *p, pid_t pid, struct err *err)
{
	for (size_t i = 0; i < p->n_rlimits; i++) {
		int r = set_limit(pid, &p->rlimits[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

int step_limits_set(struct run *run, struct err *err)
{
	const struct process_plan *p = &run->plan->process;

	return p->limits_setter == LIMITS_BY_PARENT ? set_limits(p, run->init.pid, err) : 0;
}

int step_limits_own_early(struct run *run, struct err *err)
{
	const struct process_plan *p = &run->plan->process;

	return p->limits_setter == LIMITS_BY_INIT_EARLY ? set_limits(p, 0, err) : 0;
}

int step_limits_own(struct run *run, struct err *err)
{
	const struct process_plan *p = &run->plan->process;

	return p->limits_setter == LIMITS_BY_INIT ? set_limits(p, 0, err) : 0;
}
