/* SPDX-License-Identifier: Apache-2.0 */
#include "src/steps/steps.h"

#include "src/sys/filter.h"

int step_seccomp_compile(struct run *run, struct err *err)
{
	int r = filter_compile(run->arena, run->plan->process.seccomp, &run->filter, err);

	for (size_t i = 0; r == 0 && i < run->filter.n_unknown; i++)
		run_note(run,
			 "linux.seccomp: the system call %s is not known here and was passed over",
			 run->filter.unknown[i]);
	return r;
}

static int load(struct run *run, struct err *err)
{
	int r = filter_install(run->filter.insns, run->filter.n, run->filter.flags);

	return r < 0 ? err_errno(err, -r, "config.json: linux.seccomp: load the filter") : 0;
}

int step_seccomp_load_early(struct run *run, struct err *err)
{
	return load(run, err);
}

int step_seccomp_load(struct run *run, struct err *err)
{
	return load(run, err);
}
