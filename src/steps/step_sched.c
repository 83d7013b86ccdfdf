/* SPDX-License-Identifier: Apache-2.0 */
/* When and where the process runs: scheduling, I/O priority, CPUs, memory policy, personality. */
#include "src/base/fd.h"
#include "src/security/lsm.h"
#include "src/steps/steps.h"
#include "src/sys/procfs.h"
#include "src/sys/resolve.h"

#include "src/oci/names.h"
#include "src/sys/sched.h"

#include <unistd.h>

static int set_scheduler(pid_t pid, const struct oci_scheduler *s, struct err *err)
{
	struct sched_request request = {
		.policy = (uint32_t)s->policy,
		.nice = (int32_t)s->nice.v,
		.priority = (uint32_t)s->priority.v,
		.runtime = s->runtime.v,
		.deadline = s->deadline.v,
		.period = s->period.v,
	};
	int r;

	for (size_t i = 0; i < s->flags.n; i++)
		request.flags |= (uint64_t)s->flags.v[i];
	r = sched_set(pid, &request);
	if (r == 0)
		return 0;
	(void)err_errno(err, -r, ERR_AT "process.scheduler: set %s, nice %lld, priority %lld",
			json_read_enum_name(names_sched_policies, s->policy), (long long)s->nice.v,
			(long long)s->priority.v);
	if (r == -EPERM)
		err_hint(err,
			 "it needs CAP_SYS_NICE (or RLIMIT_RTPRIO, RLIMIT_NICE); realtime with "
			 "cgroup v1 also linux.resources.cpu.realtimeRuntime; SCHED_DEADLINE "
			 "all CPUs of its domain");
	if (r == -EBUSY)
		err_hint(err, "other SCHED_DEADLINE processes have taken the bandwidth");
	return r;
}

static int set_priorities(const struct process_plan *p, pid_t pid, struct err *err)
{
	const struct oci_io_priority *io = p->io_priority;
	int r = 0;

	if (p->scheduler)
		r = set_scheduler(pid, p->scheduler, err);
	if (r < 0 || !io)
		return r;
	r = sched_set_io_priority(pid, io->io_class, (int)io->priority.v);
	if (r < 0)
		(void)err_errno(err, -r, ERR_AT "process.ioPriority: set %s, priority %lld",
				json_read_enum_name(names_io_classes, io->io_class),
				(long long)io->priority.v);
	if (r == -EPERM)
		err_hint(err, "IOPRIO_CLASS_RT needs CAP_SYS_NICE");
	return r;
}

int step_priority_set(struct run *run, struct err *err)
{
	const struct process_plan *p = &run->plan->process;

	return p->priority_by_parent ? set_priorities(p, run->init.pid, err) : 0;
}

static int set_memory_policy(const struct oci_memory_policy *policy, struct err *err)
{
	int mode = policy->mode, r;

	for (size_t i = 0; i < policy->flags.n; i++)
		mode |= policy->flags.v[i];
	r = sched_set_memory_policy(mode, policy->nodes ? policy->nodes : "");
	if (r == 0)
		return 0;
	(void)err_errno(err, -r, ERR_AT "linux.memoryPolicy: set %s for nodes \"%s\"",
			json_read_enum_name(names_memory_modes, policy->mode),
			policy->nodes ? policy->nodes : "");
	if (r == -EINVAL)
		err_hint(err,
			 "no such node (/sys/devices/system/node/has_memory), or a mode or flag "
			 "that this kernel does not know");
	return r;
}

/* In the caller itself, so that the child is born with it, before it is in the cgroup. */
int step_affinity_initial(struct run *run, struct err *err)
{
	const struct oci_cpu_affinity *affinity = run->plan->process.affinity;
	int r = 0;

	if (affinity && affinity->initial)
		r = sched_set_affinity(0, affinity->initial);
	return r < 0 ? err_errno(err, -r, "process.execCPUAffinity.initial: \"%s\"",
				 affinity->initial)
		     : 0;
}

/* The caller's may be that of a daemon, which has nothing to do with what it starts. SCHED_DEADLINE asks for all CPUs,
 * so before it; a service with a system call filter may not have the call. */
static void free_affinity(struct run *run)
{
	int r = sched_free_affinity();

	if (r < 0)
		run_note(run, "the CPU affinity of the caller is kept: sched_setaffinity: %s",
			 err_why(-r));
}

static bool is_given(const char *label)
{
	return label && *label;
}

/* They take effect at the exec. Before the ids change: afterwards no procfs can be had. */
static int set_labels(struct run *run, struct err *err)
{
	const struct process_plan *p = &run->plan->process;
	_cleanup_close_ int procfs = -1;
	int r = 0;

	if (!is_given(p->apparmor_profile) && !is_given(p->selinux_label))
		return 0;
	procfs = procfs_open(err);
	if (procfs < 0)
		return err_prefix(err, ERR_AT "process: labels");
	if (is_given(p->apparmor_profile))
		r = lsm_set_exec_profile(procfs, run->lsm, p->apparmor_profile, err);
	if (r > 0)
		run_note(run,
			 "process.apparmorProfile \"%s\" is ignored: this host has no AppArmor",
			 p->apparmor_profile);
	if (r >= 0 && is_given(p->selinux_label)) {
		r = lsm_set_exec_label(procfs, run->lsm, p->selinux_label, err);
		if (r > 0)
			run_note(run,
				 "process.selinuxLabel \"%s\" is ignored: this host has no SELinux",
				 p->selinux_label);
	}
	return r < 0 ? r : 0;
}

int step_attributes(struct run *run, struct err *err)
{
	const struct process_plan *p = &run->plan->process;
	int r = 0;

	if (!p->affinity)
		free_affinity(run);
	if (!p->priority_by_parent)
		r = set_priorities(p, 0, err);
	if (r == 0 && p->personality) {
		r = sched_set_personality((unsigned long)p->personality->domain);
		if (r < 0)
			(void)err_errno(err, -r, ERR_AT "linux.personality");
	}
	if (r == 0 && p->memory_policy)
		r = set_memory_policy(p->memory_policy, err);
	if (r == 0 && p->affinity && p->affinity->final) {
		r = sched_set_affinity(0, p->affinity->final);
		if (r < 0)
			(void)err_errno(err, -r, "process.execCPUAffinity.final: \"%s\"",
					p->affinity->final);
	}
	if (r == 0)
		r = set_labels(run, err);
	/* As root of the container, and checked at once: a filter that is loaded early may forbid it. */
	if (r == 0 && p->args && chdir(p->cwd) == 0) {
		run->cwd_entered = true;
		r = resolve_check_cwd(err);
	}
	return r;
}
