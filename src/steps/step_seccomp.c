/* SPDX-License-Identifier: Apache-2.0 */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/oci/annotations.h"
#include "src/security/filter_load.h"
#include "src/security/filter_notify.h"
#include "src/security/filter_raw.h"
#include "src/sys/sock.h"

static int note_unknown(struct run *run, struct err *err)
{
	for (size_t i = 0; i < run->filter.n_unknown; i++) {
		if (run->plan->process.seccomp_known_only)
			return err_set(
				err, EINVAL,
				"config.json: linux.seccomp: the system call %s is not known "
				"here, and annotations[\"%s\"] forbids that",
				run->filter.unknown[i], ANNOTATIONS_SECCOMP_STRICT);
		run_note(run,
			 "linux.seccomp: the system call %s is not known here and was passed over",
			 run->filter.unknown[i]);
	}
	return 0;
}

int step_seccomp_compile(struct run *run, struct err *err)
{
	const struct process_plan *p = &run->plan->process;
	int r = p->seccomp_bpf ? filter_raw_decode(run->arena, p->seccomp_bpf, p->seccomp,
						   &run->filter, err)
			       : filter_compile(run->arena, p->seccomp, &run->filter, err);

	if (r == 0)
		r = note_unknown(run, err);
	if (r < 0 || !(run->plan->flags & PLAN_SECCOMP_NOTIFY))
		return r;
	return sock_pair(run->seccomp_pair, err);
}

static int load(struct run *run, struct err *err)
{
	static const char word = 'l';
	_cleanup_close_ int listener = -1;
	int r = filter_load(&run->filter, &listener, err);

	if (r < 0 || listener < 0)
		return r;
	r = filter_notify_pass(run->filter.handover, run->seccomp_pair[1], &word, sizeof(word),
			       listener);
	if (r < 0)
		return err_errno(err, -r, "config.json: linux.seccomp: hand the listener over");
	fd_closep(&run->seccomp_pair[0]);
	fd_closep(&run->seccomp_pair[1]);
	return 0;
}

int step_seccomp_load_early(struct run *run, struct err *err)
{
	return load(run, err);
}

int step_seccomp_load(struct run *run, struct err *err)
{
	return load(run, err);
}

int step_seccomp_notify(struct run *run, struct err *err)
{
	const struct state *state = run->state;
	const struct state_doc doc = {
		.id = state->id,
		.status = run->target_pidfd >= 0 ? "running" : "creating",
		.bundle = state->bundle,
		.pid = run->target_pidfd >= 0 ? state->pid.v : run->init,
		.annotations = state->annotations.v,
		.n_annotations = state->annotations.n,
	};
	const struct filter_notify notify = {
		.state = &doc,
		.pid = run->init,
		.metadata = run->plan->process.seccomp->listener_metadata,
	};
	_cleanup_close_ int listener = -1;
	char word;

	/* With our copy closed, a death of init reads as the end; its own words come over the channel. */
	fd_closep(&run->seccomp_pair[1]);
	(void)!sock_recv(run->seccomp_pair[0], &word, sizeof(word), &listener);
	fd_closep(&run->seccomp_pair[0]);
	if (listener < 0)
		return 0;
	return filter_notify_send(run->plan->process.seccomp_receiver, listener, &notify, err);
}
