/* SPDX-License-Identifier: Apache-2.0 */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/oci/annotations.h"
#include "src/security/filter_load.h"
#include "src/security/filter_run.h"
#include "src/security/filter_spare.h"
#include "src/state/status.h"
#include "src/sys/privs.h"
#include "src/sys/program.h"
#include "src/sys/sock.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

static int note_unknown(struct start *start, struct err *err)
{
	const size_t room = 400; /* there are few notes, with truncated texts */
	_cleanup_str_ struct str names = { 0 };

	if (start->filter.n_unknown && start->plan->process.seccomp_known_only)
		return err_set(err, EINVAL,
			       ERR_AT "linux.seccomp: the system call %s is not known "
				      "here, and annotations[\"%s\"] forbids that",
			       start->filter.unknown[0], ANNOTATIONS_SECCOMP_STRICT);
	/* The profile of `do` names future system calls; an unknown one fails as on an older
	 * kernel. */
	if (start->plan->options->sandbox)
		return 0;
	for (size_t i = 0; i < start->filter.n_unknown; i++) {
		str_addf(&names, "%s%s", names.len ? ", " : "", start->filter.unknown[i]);
		if (names.len < room && i + 1 < start->filter.n_unknown)
			continue;
		start_note(start, "linux.seccomp: skipped system calls that are unknown here: %s",
			   str_text(&names));
		names.len = 0;
	}
	return 0;
}

int step_seccomp_compile(struct start *start, struct err *err)
{
	const struct process_plan *p = &start->plan->process;
	int r = p->seccomp_bpf ? filter_compile_raw(start->arena, p->seccomp_bpf, p->seccomp,
						    &start->filter, err)
			       : filter_compile(start->arena, p->seccomp, &start->filter, err);

	if (r == 0)
		r = note_unknown(start, err);
	if (r < 0)
		return r;
	/* From rules that the checks have seen. */
	if (start->filter.needs_listener && !p->seccomp_receiver)
		return err_set(err, EINVAL,
			       ERR_AT "annotations[\"%s\"]: the filter needs an agent, but "
				      "seccomp listenerPath is not set",
			       ANNOTATIONS_SECCOMP_BPF);
	if (!(start->plan->flags & PLAN_SECCOMP_NOTIFY))
		return 0;
	return sock_pair(start->seccomp_pair, err);
}

static int load(struct start *start, struct err *err)
{
	static const char word = 'l';
	_cleanup_close_ int listener = -1;
	int r = filter_load(&start->filter, &listener, err);

	if (r < 0)
		return r;
	if (listener >= 0)
		r = filter_load_pass(start->filter.handover, start->seccomp_pair[1], &word,
				     sizeof(word), listener);
	if (r < 0)
		return err_errno(err, -r, ERR_AT "linux.seccomp: hand the listener over");
	fd_closep(&start->seccomp_pair[0]);
	fd_closep(&start->seccomp_pair[1]);
	return 0;
}

int step_seccomp_load_early(struct start *start, struct err *err)
{
	program_close_far();
	return load(start, err);
}

static bool lets_us_clone(const struct filter_program *filter)
{
	/* On some architectures the flags are another argument. */
	const uint64_t flags = CLONE_PARENT | CLONE_PIDFD;
	const struct filter_question clone3 = { .nr = SYS_clone3 },
				     older = { .nr = SYS_clone, .args = { flags, flags } };
	uint32_t answer = filter_run(filter, &clone3);

	if (filter_run_passes(filter, &clone3))
		return true;
	return (answer == (SECCOMP_RET_ERRNO | ENOSYS) || answer == (SECCOMP_RET_ERRNO | EPERM)) &&
	       filter_run_passes(filter, &older);
}

/* Whether it allows the work that remains if the filter is loaded before init exists. */
static bool lets_us_work(const struct start *start)
{
	const struct process_plan *p = &start->plan->process;
	const struct {
		struct filter_question call;
		bool used;
	} calls[] = {
		{ { .nr = SYS_ioctl, .args = { 0, TIOCSCTTY } }, p->terminal },
		{ { .nr = SYS_prlimit64 },
		  p->limits_setter == LIMITS_BY_INIT_EARLY && p->n_rlimits },
		{ { .nr = SYS_sched_setattr }, p->scheduler && !p->priority_by_parent },
		{ { .nr = SYS_ioprio_set }, p->io_priority && !p->priority_by_parent },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].used && !filter_run_passes(&start->filter, &calls[i].call))
			return false;
	return lets_us_clone(&start->filter);
}

/* Before the agent has its listener nobody answers: a process whose call is referred to it would
 * wait forever. */
static bool asks_about_us(const struct start *start)
{
	const struct process_plan *p = &start->plan->process;

	return start->filter.needs_listener && (p->seccomp_bpf || !filter_spares_us(p->seccomp));
}

/* For an init born into another's pid namespace: with no_new_privs, loading a filter needs no
 * privilege; and the profile may be too narrow for the process that clones, or refer its calls to
 * the agent. */
static bool is_loaded_inside(const struct start *start)
{
	return start->plan->process.no_new_privs || asks_about_us(start) || !lets_us_work(start);
}

uint64_t step_seccomp_caps(const struct start *start)
{
	const unsigned int early = PLAN_SECCOMP | PLAN_SECCOMP_EARLY;

	if (start->me != ACTOR_STAGER || (start->plan->flags & early) != early ||
	    start->plan->process.no_new_privs || !is_loaded_inside(start))
		return 0;
	return UINT64_C(1) << CAP_SYS_ADMIN;
}

int step_seccomp_load_outside(struct start *start, struct err *err)
{
	return is_loaded_inside(start) ? 0 : step_seccomp_load_early(start, err);
}

int step_seccomp_load_inside(struct start *start, struct err *err)
{
	const struct process_plan *p = &start->plan->process;
	int r = is_loaded_inside(start) ? step_seccomp_load_early(start, err) : 0;

	if (r < 0 || p->no_new_privs || !is_loaded_inside(start))
		return r;
	return privs_set_caps(p->caps_permitted, p->caps_effective, p->caps_inheritable, err);
}

int step_seccomp_load(struct start *start, struct err *err)
{
	return load(start, err);
}

int step_seccomp_notify(struct start *start, struct err *err)
{
	const struct state *state = start->state;
	const struct oci_seccomp *rules = start->plan->process.seccomp;
	bool added = start->target_pidfd >= 0; /* by exec */
	int status = added ? status_of(state, NULL, err) : STATUS_CREATING;
	const struct state_doc doc = {
		.id = state->id,
		.status = status < 0 ? NULL : status_name((enum status)status),
		.bundle = state->bundle,
		.pid = added ? state->pid.v : start->init.pid,
		.annotations = state->annotations.v,
		.n_annotations = state->annotations.n,
	};
	const struct filter_notify notify = {
		.state = &doc,
		.pid = start->init.pid,
		.metadata = rules ? rules->listener_metadata : NULL,
	};
	_cleanup_close_ int listener = -1;
	struct sock_mail mail;
	char word;
	int r;

	/* With our copy closed, init's death reads as end of file; its own error comes over the
	 * channel. */
	fd_closep(&start->seccomp_pair[1]);
	r = start_wait(start, start->seccomp_pair[0], &start->init, -1, err);
	if (r < 0)
		return r;
	(void)!sock_recv_mail(start->seccomp_pair[0], &word, sizeof(word), false, &mail);
	listener = mail.fd;
	fd_closep(&start->seccomp_pair[0]);
	if (listener < 0 || status < 0)
		return listener < 0 ? 0 : status;
	return filter_load_send(start->plan->process.seccomp_receiver, listener, &notify, err);
}
