/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/cmd/cgroup_of.h"
#include "src/cmd/common.h"
#include "src/cmd/pidns.h"
#include "src/oci/names.h"
#include "src/state/status.h"
#include "src/sys/pidfd.h"

#include <signal.h>
#include <stddef.h>

struct kill_options {
	bool all, regex;
};

static const struct option options[] = {
	{ 'a', "all", OPTION_FLAG, offsetof(struct kill_options, all), "",
	  "signal every process in the container's cgroup" },
	{ 'r', "regex", OPTION_FLAG, offsetof(struct kill_options, regex), "",
	  "ID is an extended regular expression" },
	{ 0 },
};

/* Even after init has exited: other processes of a shared pid namespace live on in the cgroup. */
static int kill_cgroup(const struct state *state, int signal, struct err *err)
{
	struct cgroup cgroup;
	int r = cgroup_of_open(state, "kill --all", &cgroup, err);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	r = driver_kill(&cgroup, signal, err);
	driver_close(&cgroup);
	return r;
}

static int kill_init(const struct state *state, int pidfd, int signal, struct err *err)
{
	int r;

	if (pidfd < 0)
		return err_set(err, ESRCH, "container not running: %s", state->id);
	r = pidfd_signal(pidfd, signal);
	if (r == -ESRCH)
		return err_set(err, ESRCH, "container not running: %s: no such process", state->id);
	if (r == -EINVAL)
		return err_set(err, EINVAL, "unable to signal init: invalid argument: signal %d",
			       signal);
	if (r < 0)
		return err_errno(err, -r, "send signal %d to container %s", signal, state->id);
	return 0;
}

/* Engines also call this for stopped containers, and expect success (containerd, podman). */
static int kill_all(struct arena *arena, const struct state *state, enum status status, int pidfd,
		    int signal, struct err *err)
{
	int r;

	if (status == STATUS_CREATING)
		return err_set(err, ESRCH, "container not running: %s (still being created)",
			       state->id);
	r = kill_cgroup(state, signal, err);
	if (r != -ENOTSUP)
		return r;
	if (status == STATUS_STOPPED)
		return 0;
	if (!pidns_is_own(state))
		return r;
	/* SIGKILL to the init of a pid namespace kills everything in it. */
	return signal == SIGKILL ? kill_init(state, pidfd, signal, err)
				 : pidns_signal(arena, (pid_t)state->pid.v, signal, err);
}

/* In the host's pid namespace the other processes outlive init. */
static int kill_left(struct arena *arena, const struct state *state, struct err *err)
{
	struct cgroup cgroup;
	pid_t *pids;
	size_t n = 0;
	int r = cgroup_of_open(state, "kill", &cgroup, err);

	if (r == 0)
		r = driver_pids(&cgroup, arena, &pids, &n, err);
	if (r == 0 && n)
		r = driver_kill(&cgroup, SIGKILL, err);
	driver_close(&cgroup);
	if (r == -ENOENT || r == -ENOTSUP || (r == 0 && !n))
		return err_set(err, ESRCH, "container not running: %s", state->id);
	return r;
}

/* SIGKILL must kill: also frozen processes, and those in the host's pid namespace. */
static int kill_one(struct arena *arena, const struct state *state, enum status status, int pidfd,
		    int signal, struct err *err)
{
	int r;

	if (status == STATUS_STOPPED && signal == SIGKILL && !pidns_is_own(state))
		return kill_left(arena, state, err);
	r = kill_init(state, pidfd, signal, err);
	if (r < 0 || signal != SIGKILL || (status != STATUS_PAUSED && pidns_is_own(state)))
		return r;
	r = kill_cgroup(state, signal, err);
	return r == -ENOTSUP ? 0 : r;
}

/* 0 only checks that the process exists, as in kill(2). */
static int parse_signal(const char *text)
{
	if (!text)
		return SIGTERM;
	return str_equal(text, "0") ? 0 : names_signal(text);
}

struct kill_call {
	struct arena *arena;
	struct store *store;
	int signal;
	bool all;
};

static int note_signal(int dirfd, struct state *state, void *data, struct err *err)
{
	const struct kill_call *call = data;
	const char *name = names_signal_name(call->signal);
	const char *note = arena_strf(call->arena, COMMON_SIGNALLED "%s", name ? name : "a signal");

	(void)dirfd;
	(void)err;
	state->fallbacks.v = (const char **)(uintptr_t)str_list(call->arena, state->fallbacks.v,
								state->fallbacks.n, &note, 1);
	state->fallbacks.n++;
	return STORE_WRITE;
}

/* Nobody else could report what ended a waiting init, which has nothing to write to. */
static void note_for_start(const struct state *state, struct kill_call *call)
{
	const struct store_change change = {
		.arena = call->arena, .seen = state, .act = note_signal, .data = call
	};
	struct err err = { 0 };
	int r = store_change(call->store, state->id, &change, &err);

	if (r < 0)
		log_debug("note the signal: %s", err.text);
}

static int kill_id(const char *id, void *data, struct err *err)
{
	struct kill_call *call = data;
	_cleanup_close_ int dirfd = -1, pidfd = -1;
	struct state state = { 0 };
	int status, r;

	dirfd = common_open_in(call->arena, call->store, id, &state, err);
	if (dirfd < 0)
		return dirfd;
	status = status_of(&state, &pidfd, err);
	if (status < 0)
		return status;
	r = (call->all ? kill_all : kill_one)(call->arena, &state, (enum status)status, pidfd,
					      call->signal, err);
	if (r == 0 && status == STATUS_CREATED && call->signal)
		note_for_start(&state, call);
	return r;
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct kill_options *o = data;
	struct kill_call call = { .arena = arena,
				  .signal = parse_signal(argc > 1 ? argv[1] : NULL),
				  .all = o->all };
	int r;

	if (call.signal < 0) {
		(void)err_set(err, EINVAL, "unknown signal \"%s\"", argv[1]);
		return err_hint(err, "a name such as TERM, or a number; `kill -l` lists them");
	}
	r = o->regex ? 0 : store_check_id(argv[0], err);
	if (r == 0)
		r = store_open(globals->root, false, arena, &call.store, err);
	if (r < 0)
		return r;
	return o->regex ? common_each_match(arena, call.store, argv[0], kill_id, &call, err)
			: kill_id(argv[0], &call, err);
}

const struct cmd cmd_kill = {
	.name = "kill",
	.summary = "send a signal to a container's process (default TERM)",
	.arguments = "ID [SIGNAL]",
	.options = options,
	.options_size = sizeof(struct kill_options),
	.min_args = 1,
	.max_args = 2,
	.stop_at_first = true,
	.run = run,
};
