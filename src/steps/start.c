/* SPDX-License-Identifier: Apache-2.0 */
#include "src/steps/start.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/oci/names.h"
#include "src/sys/pidfd.h"
#include "src/sys/privs.h"
#include "src/sys/program.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 1000, SETTLE_MS = 10000 };

static int *descriptors(struct arena *arena, size_t n)
{
	int *v = arena_array(arena, n + 1, sizeof(*v));

	for (size_t i = 0; i <= n; i++)
		v[i] = -1;
	return v;
}

void start_init(struct start *start, const struct plan *plan, struct arena *arena)
{
	*start = (struct start){
		.plan = plan,
		.arena = arena,
		.state_dir = -1,
		.stager = CHILD_NONE,
		.init = CHILD_NONE,
		.signals = { .fd = -1 },
		.lifeline = -1,
		.hooks_runner = CHILD_NONE,
		.hooks_sock = -1,
		.seccomp_pair = { -1, -1 },
		.console_socket = -1,
		.start_listener = -1,
		.target_pidfd = -1,
		.rootfs = -1,
		.rootfs_place = -1,
		.rootfs_shown = -1,
		.layer = { .fd = -1 },
		.layer_top = -1,
		.layer_sock = -1,
		.layer_keeper = CHILD_NONE,
		.init_stat = -1,
		.time_offsets = -1,
		.netns_socket = -1,
		.net_member = -1,
		.net_answer = -1,
		.net_keeper = CHILD_NONE,
		.console_keeper = CHILD_NONE,
		.notify_listener = -1,
		.hooks_output = { .out = -1, .err = -1 },
		.net = { .here = -1, .there = -1 },
		.console_master = -1,
		.console_slave = -1,
		.pid_file_fd = -1,
		.start_connection = -1,
	};
	start->cgroup_place = plan->cgroup.place;
	for (int kind = 0; kind < PLAN_NS_COUNT; kind++)
		start->ns_fds[kind] = -1;
	start->mounts = descriptors(arena, plan->rootfs.n_mounts);
	start->idmaps = descriptors(arena, plan->rootfs.n_idmaps);
}

void start_close_others(struct start *start, const int *own, size_t n)
{
	const struct plan_options *options = start->plan->options;
	size_t n_passed = options->preserve_fds + options->listen_fds;
	int *keep = arena_array(start->arena, n + n_passed + 1, sizeof(*keep));

	memcpy(keep, own, n * sizeof(*keep));
	for (size_t i = 0; i < n_passed; i++) /* this number may be ours by now */
		if (fd_was_passed(3 + (int)i))
			keep[n++] = 3 + (int)i;
	program_close_others(3, keep, n);
}

void start_close_opened(struct start *start)
{
	int *const single[] = { &start->lifeline,         &start->seccomp_pair[0],
				&start->seccomp_pair[1],  &start->console_socket,
				&start->rootfs,           &start->hooks_output.out,
				&start->hooks_output.err, &start->console_master };

	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		fd_closep(single[i]);
	for (int kind = 0; kind < PLAN_NS_COUNT; kind++)
		fd_closep(&start->ns_fds[kind]);
	driver_close(&start->cgroup);
}

static size_t add(int *v, size_t n, const int *more, size_t n_more)
{
	memcpy(v + n, more, n_more * sizeof(*v));
	return n + n_more;
}

void start_keep_own(struct start *start)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;
	struct cgroup *cgroup = &start->cgroup;
	/* Otherwise clone3() placed it there, or init joins by path. */
	bool joins = start->joins_itself || (cgroup->place.kind == CGROUP_DRIVER_V1 &&
					     !(start->plan->flags & PLAN_CGROUP_LATE));
	const int notify = start->plan->flags & PLAN_WAIT_START ? start->notify_listener : -1;
	const int single[] = { start->lifeline,         start->seccomp_pair[1],
			       start->console_socket,   start->start_listener,
			       start->target_pidfd,     start->rootfs,
			       start->hooks_output.out, start->hooks_output.err,
			       log_keep_in_child(),     notify,
			       start->rootfs_place,     start->console_master,
			       start->console_slave,    start->layer_sock };
	const size_t n_single = sizeof(single) / sizeof(single[0]);
	int *own = arena_array(start->arena,
			       n_single + PLAN_NS_COUNT + 2 * GROUP_MAX_DIRS + rootfs->n_mounts +
				       rootfs->n_idmaps,
			       sizeof(*own));
	size_t n = add(own, 0, single, n_single);

	n = add(own, n, start->ns_fds, PLAN_NS_COUNT);
	if (!joins)
		cgroup->place.dirs.n = 0;
	n = add(own, n, cgroup->fds, cgroup->place.dirs.n);
	n = add(own, n, cgroup->join_fds, cgroup->place.dirs.n);
	n = add(own, n, start->mounts, rootfs->n_mounts);
	n = add(own, n, start->idmaps, rootfs->n_idmaps);
	start_close_others(start, own, n);
	/* An open descriptor of the state directory holds its lock, which only the creator may
	 * do. */
	start->state_dir = -1;
	start->seccomp_pair[0] = -1;
	start->signals.fd = -1;
	start->layer.fd = -1;            /* it holds the lock */
	start->notify_listener = notify; /* otherwise the parent receives on it */
	start->net = (struct devices){ .here = -1, .there = -1 };
}

const struct child *start_first(const struct start *start)
{
	return child_is_there(&start->stager) ? &start->stager : &start->init;
}

static int ended_by(int signal, struct err *err)
{
	const char *name = names_signal_name(signal);

	return err_set(err, EINTR, "the start was interrupted by %s", name ? name : "a signal");
}

/* Shown once to a user at a terminal when a start takes long; engines have messages of their own.
 * NULL: nothing more to say. */
static const char *words_for(const struct start *start, int fd)
{
	const char *words = fd == start->net_answer ? "waiting for the network ..."
						    : "preparing the container ...";

	return str_equal(words, start->told) || (start->plan->flags & PLAN_WAIT_START) ? NULL
										       : words;
}

static void tell_once(struct start *start, const char *words)
{
	start->told = words;
	if (isatty(STDERR_FILENO))
		log_notice("%s", words);
}

bool start_is_paused(const struct start *start)
{
	struct err ignored;

	return start->target_place && driver_is_frozen(start->target_place, &ignored) > 0;
}

/* A pause that came after exec has looked freezes what has entered: it is told, to whoever waits,
 * and no deadline counts. */
static bool waits_for_resume(struct start *start)
{
	if (!start_is_paused(start))
		return false;
	if (!start->told_paused)
		log_notice("container %s was paused meanwhile: waiting until it is resumed",
			   start->state->id);
	return start->told_paused = true;
}

int start_wait(struct start *start, int fd, const struct child *peer, int timeout_ms,
	       struct err *err)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = start->signals.fd, .events = POLLIN },
		{ .fd = peer ? pidfd_to_poll(peer->pidfd) : -1, .events = POLLIN },
	};

	for (;;) {
		const char *words =
			timeout_ms >= 0 && timeout_ms <= PATIENCE_MS ? NULL : words_for(start, fd);
		int n = poll(fds, 3, words ? PATIENCE_MS : timeout_ms), signal = 0;

		if (n == 0 && waits_for_resume(start))
			continue;
		if (n == 0 && words) {
			tell_once(start, words);
			continue;
		}
		if (n < 0 && errno != EINTR)
			return err_errno(err, errno, "wait for the container's process");
		if (n == 0)
			return err_set(err, ETIMEDOUT,
				       "the container's process has not responded for %d s",
				       timeout_ms / 1000);
		if (n > 0 && fds[1].revents)
			signal = signals_read(&start->signals);
		/* Once the channel is closed the program may be running, and the signal is for
		 * it. */
		if (signal && !(fds[0].revents & POLLHUP))
			return ended_by(signal, err);
		if (n > 0 && (fds[0].revents || fds[2].revents))
			return fds[0].revents != 0;
	}
}

void start_forward_signals(struct start *start)
{
	static const int own[] = { SIGCHLD, SIGWINCH, SIGURG, SIGPIPE, SIGTTIN, SIGTTOU };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		start->signals.seen &= ~(1ULL << (own[i] - 1));
	for (int signal = 1; signal <= 64; signal++)
		if (start->signals.seen & 1ULL << (signal - 1))
			(void)child_signal(&start->init, signal);
	start->signals.seen = 0;
}

int start_end_with_parent(struct start *start, struct err *err)
{
	struct pollfd fd = { .fd = start->lifeline };
	int r = privs_die_with_parent(0, err);

	/* The kernel sends the signal only for a future death: check that the parent has not died
	 * already. */
	if (r == 0 && poll(&fd, 1, 0) > 0)
		r = err_set(err, ECHILD, "usrun has ended");
	return r;
}

void start_note(struct start *start, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	va_start(ap, fmt);
	str_line(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_debug("%s", text);
	if (start->n_notes < START_MAX_NOTES)
		start->notes[start->n_notes++] = arena_strdup(start->arena, text);
}

/* An unprivileged user needs the right to trace init in order to enter. It exists while init waits
 * for its start and again after its exec, but not in between; and `create` may have ended before
 * init waits. */
bool start_target_settles(int r, pid_t init, long long deadline)
{
	static const struct timespec moment = { .tv_nsec = 5 * 1000 * 1000 };

	if ((r != -EPERM && r != -EACCES) || !clock_left(deadline) ||
	    program_was_executed(init) != 0)
		return false;
	(void)nanosleep(&moment, NULL);
	return true;
}

int start_join_target(const struct start *start, unsigned int flags)
{
	long long deadline = clock_now() + SETTLE_MS;
	int r;

	do
		r = pidfd_join(start->target_pidfd, (int)flags);
	while (start_target_settles(r, (pid_t)start->state->pid.v, deadline));
	return r;
}
