/* SPDX-License-Identifier: Apache-2.0 */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/oci/annotations.h"
#include "src/security/filter_load.h"
#include "src/state/status.h"
#include "src/sys/program.h"
#include "src/sys/sock.h"

static int note_unknown(struct start *start, struct err *err)
{
	const size_t room = 400; /* there are few notes, and their texts are cut */
	_cleanup_str_ struct str names = { 0 };

	if (start->filter.n_unknown && start->plan->process.seccomp_known_only)
		return err_set(err, EINVAL,
			       ERR_AT "linux.seccomp: the system call %s is not known "
				      "here, and annotations[\"%s\"] forbids that",
			       start->filter.unknown[0], ANNOTATIONS_SECCOMP_STRICT);
	/* The profile of `do` names calls for years to come; one that is not known looks as on an
	 * older kernel. */
	if (start->plan->options->sandbox)
		return 0;
	for (size_t i = 0; i < start->filter.n_unknown; i++) {
		str_addf(&names, "%s%s", names.len ? ", " : "", start->filter.unknown[i]);
		if (names.len < room && i + 1 < start->filter.n_unknown)
			continue;
		start_note(
			start,
			"linux.seccomp: not known here, and passed over, are the system calls %s",
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
	/* Of rules the checks have seen it. */
	if (start->filter.needs_listener && !p->seccomp_receiver)
		return err_set(err, EINVAL,
			       ERR_AT "annotations[\"%s\"]: the program asks an agent, but "
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

	/* With our copy closed, a death of init reads as the end; its own words come over the
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
