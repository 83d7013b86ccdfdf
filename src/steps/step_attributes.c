/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel records about the process: resource limits and the OOM score, set by the parent
 * where only it may; scheduling, I/O priority, CPUs, memory policy, personality, labels. */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/oci/names.h"
#include "src/security/lsm.h"
#include "src/sys/privs.h"
#include "src/sys/procfs.h"
#include "src/sys/resolve.h"
#include "src/sys/sched.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Lowering the score needs CAP_SYS_RESOURCE in the initial user namespace, which no process inside
 * a user namespace has. So the caller's value stays, and that is recorded. */
static int oom_refused(struct start *start, const char *path, struct err *err)
{
	int wanted = start->plan->process.oom_score_adj;
	bool user = start->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN) ||
		    !start->plan->facts->caller.initial_userns;
	char now[16];

	if (io_read_small(AT_FDCWD, path, now, sizeof(now)) < 0)
		(void)strcpy(now, "value");
	now[strcspn(now, "\n")] = '\0';
	if (user) {
		start_note(
			start,
			"process.oomScoreAdj %d: lowering it needs CAP_SYS_RESOURCE, the caller's "
			"%s is kept",
			wanted, now);
		return 0;
	}
	(void)err_set(err, EPERM, ERR_AT "process.oomScoreAdj: %d is below the caller's %s", wanted,
		      now);
	return err_hint(err, "lowering it needs CAP_SYS_RESOURCE");
}

int step_oom_set(struct start *start, struct err *err)
{
	char path[64], value[16];
	int r;

	if (!start->plan->process.set_oom)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)start_first(start)->pid);
	(void)snprintf(value, sizeof(value), "%d", start->plan->process.oom_score_adj);
	r = io_write_at(AT_FDCWD, path, value);
	if (r == -EACCES)
		return oom_refused(start, path, err);
	return r < 0 ? err_errno(err, -r, ERR_AT "process.oomScoreAdj: write %s", value) : 0;
}

/* pid 0: the calling process. The plan has already refused or reduced what may not be raised; the
 * rest is the kernel's decision: fs.nr_open, an LSM. */
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
		err_hint(err, "it is %llu:%llu; the sysctl fs.nr_open caps it for everybody",
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

int step_limits_set(struct start *start, struct err *err)
{
	const struct process_plan *p = &start->plan->process;

	return p->limits_setter == LIMITS_BY_PARENT ? set_limits(p, start->init.pid, err) : 0;
}

int step_limits_own_early(struct start *start, struct err *err)
{
	const struct process_plan *p = &start->plan->process;

	return p->limits_setter == LIMITS_BY_INIT_EARLY ? set_limits(p, 0, err) : 0;
}

int step_limits_own(struct start *start, struct err *err)
{
	const struct process_plan *p = &start->plan->process;

	return p->limits_setter == LIMITS_BY_INIT ? set_limits(p, 0, err) : 0;
}

/* ", flags A B": one of them may be the reason for an error. */
static void add_flags(struct str *out, const struct json_name *names, const int *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%s%s", i ? " " : ", flags ", json_read_enum_name(names, v[i]));
}

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
	_cleanup_str_ struct str flags = { 0 };
	int r;

	for (size_t i = 0; i < s->flags.n; i++)
		request.flags |= (uint64_t)s->flags.v[i];
	r = sched_set(pid, &request);
	if (r == 0)
		return 0;
	add_flags(&flags, names_sched_flags, s->flags.v, s->flags.n);
	(void)err_errno(err, -r, ERR_AT "process.scheduler: set %s, nice %lld, priority %lld%s",
			json_read_enum_name(names_sched_policies, s->policy), (long long)s->nice.v,
			(long long)s->priority.v, str_text(&flags));
	if (r == -EOPNOTSUPP)
		err_hint(err, "this kernel has no utilization clamping (CONFIG_UCLAMP_TASK): leave "
			      "out SCHED_FLAG_UTIL_CLAMP_MIN and SCHED_FLAG_UTIL_CLAMP_MAX");
	if (r == -EPERM)
		err_hint(err, "needs CAP_SYS_NICE (or RLIMIT_RTPRIO, RLIMIT_NICE); on cgroup v1 a "
			      "real-time policy also needs linux.resources.cpu.realtimeRuntime; "
			      "SCHED_DEADLINE needs all CPUs of its domain");
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

int step_priority_set(struct start *start, struct err *err)
{
	const struct process_plan *p = &start->plan->process;

	return p->priority_by_parent ? set_priorities(p, start->init.pid, err) : 0;
}

static int set_memory_policy(const struct oci_memory_policy *policy, struct err *err)
{
	_cleanup_str_ struct str flags = { 0 };
	int mode = policy->mode, r;

	for (size_t i = 0; i < policy->flags.n; i++)
		mode |= policy->flags.v[i];
	r = sched_set_memory_policy(mode, policy->nodes ? policy->nodes : "");
	if (r == 0)
		return 0;
	add_flags(&flags, names_memory_flags, policy->flags.v, policy->flags.n);
	(void)err_errno(err, -r, ERR_AT "linux.memoryPolicy: set %s for nodes \"%s\"%s",
			json_read_enum_name(names_memory_modes, policy->mode),
			policy->nodes ? policy->nodes : "", str_text(&flags));
	if (r == -EINVAL)
		err_hint(err,
			 "no such node (/sys/devices/system/node/has_memory), or a mode or flag "
			 "that this kernel does not know");
	return r;
}

/* Set on the caller itself, so that the child inherits it before it is in the cgroup. */
int step_affinity_initial(struct start *start, struct err *err)
{
	const struct oci_cpu_affinity *affinity = start->plan->process.affinity;
	int r = 0;

	if (affinity && affinity->initial)
		r = sched_set_affinity(0, affinity->initial);
	return r < 0 ? err_errno(err, -r, "process.execCPUAffinity.initial: \"%s\"",
				 affinity->initial)
		     : 0;
}

/* The caller may be a daemon with an affinity that its containers should not inherit.
 * SCHED_DEADLINE requires all CPUs, so this comes first; a service with a system call filter may
 * not be allowed the call. */
static void free_affinity(struct start *start)
{
	int r = sched_free_affinity();

	if (r < 0)
		start_note(start, "keeping the caller's CPU affinity: sched_setaffinity: %s",
			   err_why(-r));
}

static bool is_given(const char *label)
{
	return label && *label;
}

/* Labels take effect at the next exec, a child's included. They are set before the ids change, and
 * before joining a pid namespace whose processes our procfs does not show: no procfs can be
 * obtained after that. */
static int set_labels(struct start *start, struct err *err)
{
	const struct process_plan *p = &start->plan->process;
	_cleanup_close_ int procfs = -1;
	int r = 0;

	if (!is_given(p->apparmor_profile) && !is_given(p->selinux_label))
		return 0;
	procfs = procfs_open(-1, err);
	if (procfs < 0)
		return err_prefix(err, ERR_AT "process: labels");
	if (is_given(p->apparmor_profile))
		r = lsm_set_exec_profile(procfs, start->lsm, p->apparmor_profile, err);
	if (r > 0)
		start_note(start,
			   "process.apparmorProfile \"%s\" is ignored: this host has no AppArmor",
			   p->apparmor_profile);
	if (r >= 0 && is_given(p->selinux_label)) {
		r = lsm_set_exec_label(procfs, start->lsm, p->selinux_label, err);
		if (r > 0)
			start_note(
				start,
				"process.selinuxLabel \"%s\" is ignored: this host has no SELinux",
				p->selinux_label);
	}
	return r < 0 ? r : 0;
}

/* Otherwise it would have that of usrun, and be closed to the program. */
void step_label_keys(struct start *start)
{
	const struct process_plan *p = &start->plan->process;
	_cleanup_close_ int procfs = -1;
	struct err err = { 0 };
	int r;

	if (start->keys_labelled || !p->keyring || !is_given(p->selinux_label) ||
	    !str_equal(start->lsm, "selinux"))
		return;
	start->keys_labelled = true;
	procfs = procfs_open(-1, &err);
	r = procfs < 0 ? procfs : lsm_set_key_label(procfs, start->lsm, p->selinux_label, &err);
	if (r < 0)
		start_note(start, "the session keyring has no label: %s", err.text);
}

int step_labels(struct start *start, struct err *err)
{
	step_label_keys(start);
	return set_labels(start, err);
}

/* A clone does not inherit every kind of priority. */
int step_priority_own(struct start *start, struct err *err)
{
	const struct process_plan *p = &start->plan->process;

	return p->priority_by_parent ? 0 : set_priorities(p, 0, err);
}

/* The stager does this for an init that is born later, whose labels and priorities have their own
 * rows. */
int step_attributes(struct start *start, struct err *err)
{
	const struct process_plan *p = &start->plan->process;
	bool init = start->me == ACTOR_INIT;
	int r = 0;

	if (!p->affinity)
		free_affinity(start);
	if (init)
		r = step_priority_own(start, err);
	if (r == 0 && p->personality) {
		r = sched_set_personality((unsigned long)p->personality->domain);
		if (r < 0)
			(void)err_errno(
				err, -r, ERR_AT "linux.personality: set %s",
				json_read_enum_name(names_personalities, p->personality->domain));
	}
	if (r == 0 && p->memory_policy)
		r = set_memory_policy(p->memory_policy, err);
	if (r == 0 && p->affinity && p->affinity->final) {
		r = sched_set_affinity(0, p->affinity->final);
		if (r < 0)
			(void)err_errno(err, -r, "process.execCPUAffinity.final: \"%s\"",
					p->affinity->final);
	}
	if (r == 0 && init)
		r = set_labels(start, err);
	/* As the container's root, and checked right away: a filter loaded early may forbid it. */
	if (r == 0 && p->args && chdir(p->cwd) == 0) {
		start->cwd_entered = true;
		r = resolve_check_cwd(err);
	}
	return r;
}
