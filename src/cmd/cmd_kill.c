/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/cmd/cgroup_of.h"
#include "src/cmd/common.h"
#include "src/oci/names.h"
#include "src/state/status.h"
#include "src/sys/pidfd.h"

#include <signal.h>
#include <stddef.h>

struct kill_options {
	bool all;
};

static const struct option options[] = {
	{ 'a', "all", OPTION_FLAG, offsetof(struct kill_options, all), NULL,
	  "signal every process of the container's cgroup", NULL },
	{ 0 },
};

static bool has_pid_namespace(const struct state *state)
{
	for (size_t i = 0; i < state->namespaces.n; i++)
		if (str_equal(state->namespaces.v[i], "pid"))
			return true;
	return false;
}

/* Also after init has ended: the rest of a shared pid namespace lives on in the cgroup. */
static int kill_cgroup(const struct state *state, int signal, struct err *err)
{
	struct cgroup cgroup;
	int r = cgroup_of_open(state, "kill --all", &cgroup, err);

	if (r == -ENOENT || (r == -ENOTSUP && has_pid_namespace(state)))
		return 0;
	if (r < 0)
		return r;
	r = driver_kill(&cgroup, signal, err);
	driver_close(&cgroup);
	return r;
}

static int kill_init(const struct state *state, enum status status, int pidfd, int signal, struct err *err)
{
	int r;

	if (status == STATUS_STOPPED || pidfd < 0)
		return err_set(err, ESRCH, "container not running: %s", state->id);
	r = pidfd_signal(pidfd, signal);
	if (r == -ESRCH)
		return err_set(err, ESRCH, "container not running: %s: no such process", state->id);
	if (r == -EINVAL)
		return err_set(err, EINVAL, "unable to signal init: invalid argument: signal %d", signal);
	if (r < 0)
		return err_errno(err, -r, "send signal %d to container %s", signal, state->id);
	return 0;
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct kill_options *o = data;
	_cleanup_close_ int dirfd = -1, pidfd = -1;
	int signal = argc > 1 ? names_signal(argv[1]) : SIGTERM, r;
	struct state state = { 0 };
	struct store *store;
	enum status status;

	if (signal < 0)
		return err_set(err, EINVAL, "unknown signal \"%s\"", argv[1]);
	dirfd = common_open(arena, globals, argv[0], &store, &state, err);
	if (dirfd < 0)
		return dirfd;
	status = status_of(&state, &pidfd);
	if (o->all) {
		r = kill_cgroup(&state, signal, err);
		if (r < 0 || status == STATUS_STOPPED)
			return r;
		return state.cgroup_driver > (int)CGROUP_DRIVER_NONE + 1 ?
			       0 :
			       kill_init(&state, status, pidfd, signal, err);
	}
	r = kill_init(&state, status, pidfd, signal, err);
	/* SIGKILL must kill: also what is frozen, and what shares the host's pid namespace. */
	if (r == 0 && signal == SIGKILL && (status == STATUS_PAUSED || !has_pid_namespace(&state)) &&
	    state.cgroup_driver > (int)CGROUP_DRIVER_NONE + 1)
		r = kill_cgroup(&state, signal, err);
	return r;
}

const struct cmd cmd_kill = {
	.name = "kill",
	.summary = "send a signal to a container's process (default TERM)",
	.arguments = "ID [SIGNAL]",
	.options = options,
	.options_size = sizeof(struct kill_options),
	.min_args = 1,
	.max_args = 2,
	.run = run,
};
