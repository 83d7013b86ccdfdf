/* SPDX-License-Identifier: Apache-2.0 */
/* The executor: one loop, in every process. A child cloned inside the loop continues at the next
 * row as another actor, with a copy-on-write copy of the plan: nothing is serialised. */
#include "src/run/walk.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/run/channel.h"
#include "src/run/failure.h"
#include "src/run/last_steps.h"
#include "src/run/trace.h"
#include "src/sys/child.h"
#include "src/sys/compat.h"
#include "src/sys/later.h"
#include "src/sys/program.h"

#include "userns/probe.h"

#include <sched.h>
#include <string.h>
#include <sys/prctl.h>

enum { STAGER_TIMEOUT_MS = 10000, RESUMED_MS = 1000 };

struct walk {
	const struct sequence *sequence;
	struct start *start;
	struct channel *channel;
};

static int walk_rows(struct walk *walk, size_t from, struct err *err);

static int act(struct walk *walk, const struct row *row, struct err *err)
{
	int r, cause = 0;

	log_debug("%s", row->name);
	r = walk->sequence->acts[row->act](walk->start, err);
	/* A step applied to a child fails in misleading ways once the child itself has failed. */
	if (r < 0 && walk->start->me == ACTOR_PARENT)
		cause = channel_last_words(walk->channel, walk->start, err);
	if (cause < 0)
		r = cause;
	if (r < 0 && !err->step[0])
		(void)strncpy(err->step, row->name, sizeof(err->step) - 1);
	return r;
}

static int *carried(struct start *start, const struct row *row)
{
	return row->carries ? (int *)(void *)((char *)start + row->carries) : NULL;
}

static int sync_row(struct walk *walk, size_t i, enum actor who, enum actor to, struct err *err)
{
	struct start *start = walk->start;
	int *slot = carried(start, &walk->sequence->rows[i]), fd = -1, r;

	if (who == to)
		return 0;
	if (start->me == who) {
		r = channel_tell(walk->channel, start, to, i, slot ? *slot : -1, err);
		if (r == 0 && slot)
			fd_closep(slot);
		return r;
	}
	if (start->me != to)
		return 0;
	r = channel_await(walk->channel, start, who, i, slot ? &fd : NULL, err);
	if (r == 0 && slot)
		*slot = fd_take(&fd);
	fd_closep(&fd);
	return r;
}

static __attribute__((noreturn)) void child_main(struct walk *walk, enum actor me, size_t from)
{
	const char *name = me == ACTOR_STAGER ? "usrun:[stager]" : "usrun:[init]";
	struct err err = { 0 };

	walk->start->me = me;
	log_set_actor(sequence_actor_name(me));
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
	program_show_title(
		arena_strf(walk->start->arena, "%s %s", name, walk->start->plan->options->id));
	channel_keep_own(walk->channel, walk->start);
	start_keep_own(walk->start);
	if (walk_rows(walk, from, &err) == 0)
		child_exit(0);
	if (walk->start->start_connection >= 0)
		channel_fail_on(walk->start->start_connection, &err);
	else
		channel_fail(walk->channel, &err);
	child_exit(1);
}

/* Chooses another cgroup if the kernel refuses to create a process in the container's; false: there
 * is none. */
static bool other_group(struct start *start, int error, struct clone_request *request)
{
	struct err ignored = { 0 };

	if (request->cgroup_fd < 0)
		return false;
	/* Outside of what systemd has delegated to the user: systemd itself will move the
	 * process. */
	if ((error == EACCES || error == EPERM) && start->state->unit.name) {
		request->cgroup_fd = -1;
		start->outside = true;
		return true;
	}
	/* The cgroup's process limit (which may be 0) applies to processes created in it, not to
	 * those that move in. And without clone3() none can be created in it. */
	if (error == EAGAIN || error == ENOSYS) {
		request->cgroup_fd = -1;
		start->joins_itself = true;
		return true;
	}
	/* exec: a systemd in the container has divided the cgroup, and only its descendants accept
	 * processes. */
	if (error != EBUSY || start->target_pidfd < 0 ||
	    driver_follow(start->arena, (pid_t)start->state->pid.v, &start->cgroup, &ignored) < 0)
		return false;
	request->cgroup_fd = driver_clone_fd(&start->cgroup);
	return true;
}

static void note_missing(struct start *start)
{
	char names[256];

	if (compat_missing(names, sizeof(names)))
		start_note(start,
			   "%s is refused, by a seccomp filter or an old kernel: using older "
			   "system calls",
			   names);
}

static int no_process(const struct walk *walk, size_t i, int error, struct err *err)
{
	(void)err_errno(err, error, "create the container's process");
	(void)strncpy(err->step, walk->sequence->rows[i].name, sizeof(err->step) - 1);
	if (error == EBUSY)
		return err_hint(err,
				"the container's cgroup has controllers enabled for its children, "
				"so only those can hold processes, and the container's first "
				"process is in none of them: move it into one");
	if (error == ENOMEM && walk->start->plan->ns.v[PLAN_NS_PID].action == NS_JOIN)
		return err_hint(err, START_NS_ENDED_HINT);
	return error == EAGAIN ? err_hint(err, "a process limit has been reached: pids.max of a "
					       "cgroup, RLIMIT_NPROC, or kernel.pid_max")
			       : -error;
}

static int spawn(struct walk *walk, size_t i, enum actor child, struct err *err)
{
	struct start *start = walk->start;
	bool parent = start->me == ACTOR_PARENT;
	struct clone_request request = {
		.flags = parent ? start->plan->ns.clone_flags : CLONE_PARENT,
		.cgroup_fd = parent && !start->joins_late ? driver_clone_fd(&start->cgroup) : -1,
	};
	struct child made = CHILD_NONE;
	pid_t pid = child_clone(&request, &made);

	if (pid < 0 && other_group(start, (int)-pid, &request))
		pid = child_clone(&request, &made);
	if (pid == 0)
		child_main(walk, child, i + 1);
	if (pid < 0 && (request.flags & CLONE_NEWUSER))
		return probe_userns_refused((int)-pid, err);
	if (pid < 0)
		return no_process(walk, i, (int)-pid, err);
	if (parent)
		note_missing(start);
	if (child == ACTOR_INIT)
		start->init = made;
	else
		start->stager = made;
	if (!parent)
		return 0;
	channel_keep_own(walk->channel, start);
	/* The child runs createContainer hooks, and may not live to report it. */
	start->hooks_ran |= (start->plan->flags & PLAN_HOOKS_CONTAINER) != 0;
	return 0;
}

/* Only its end remains. */
static int leave(struct start *start, struct err *err)
{
	int r = child_reap(&start->stager, STAGER_TIMEOUT_MS, NULL);

	if (r == -ETIMEDOUT && start_is_paused(start)) {
		r = start_wait(start, -1, &start->stager, RESUMED_MS, err);
		if (r == -EINTR)
			return r;
		r = child_reap(&start->stager, STAGER_TIMEOUT_MS, NULL);
	}
	return r < 0 ? err_errno(err, -r, "wait for the stager to exit") : 0;
}

/* This process's part in row i: run it, receive its message, or nothing. */
static int walk_row(struct walk *walk, size_t i, struct err *err)
{
	const struct row *row = &walk->sequence->rows[i];
	uint32_t flags = walk->start->plan->flags;
	enum actor me = walk->start->me, who = sequence_actor(row->who, flags);
	enum actor to = sequence_actor(row->to, flags);

	if (!row->many) /* so they are closed at a clone and during hooks */
		later_close();
	switch (row->kind) {
	case ROW_ACT:
		return me == who ? act(walk, row, err) : 0;
	case ROW_SYNC:
		return sync_row(walk, i, who, to, err);
	case ROW_SPAWN:
		return me == who ? spawn(walk, i, to, err) : 0;
	case ROW_LEAVE:
		if (me == who)
			child_exit(0);
		return me == to ? leave(walk->start, err) : 0;
	case ROW_ENDS:
		return me == to ? channel_await_exec(walk->channel, walk->start, err) : 0;
	}
	return 0;
}

static int walk_rows(struct walk *walk, size_t from, struct err *err)
{
	for (size_t i = from; i < walk->sequence->n; i++) {
		const struct row *row = &walk->sequence->rows[i];
		size_t span;
		int r = 0;

		if (!sequence_row_active(row, walk->start->plan->flags))
			continue;
		span = trace_begin(walk->start, row, i);
		r = walk_row(walk, i, err);
		trace_end(span, r);
		if (r < 0)
			return r;
	}
	return 0;
}

int walk_sequence(const struct sequence *sequence, struct start *start, struct err *err)
{
	struct walk walk = {
		.sequence = sequence,
		.start = start,
	};
	int r = channel_open(start->arena, start->plan->flags & PLAN_STAGER, &walk.channel, err);

	if (r < 0)
		return r;
	r = walk_rows(&walk, 0, err);
	if (r < 0)
		failure_end(start, walk.channel, err);
	if (r < 0)
		last_steps_keep(sequence, start, err);
	trace_write(sequence, start, r < 0 ? err : NULL);
	return r;
}

static size_t add_undo(const struct row *row, uint32_t flags, const char **names, size_t n)
{
	if (!row->undo || !sequence_row_active(row, flags))
		return n;
	for (size_t i = 0; i < n; i++)
		if (str_equal(names[i], row->name))
			return n;
	names[n] = row->name;
	return n + 1;
}

void walk_undo_names(const struct sequence *sequence, uint32_t flags, struct arena *arena,
		     const char *const **ret, size_t *ret_n)
{
	const char **names = arena_array(arena, sequence->n, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < sequence->n; i++)
		n = add_undo(&sequence->rows[i], flags, names, n);
	*ret = names;
	*ret_n = n;
}
