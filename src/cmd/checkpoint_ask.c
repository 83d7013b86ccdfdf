/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/checkpoint_ask.h"

#include "src/base/io.h"
#include "src/cmd/cgroup_of.h"

#include <fcntl.h>
#include <string.h>

/* The cgroup that `pause` freezes: v2, on a hybrid host too, otherwise the v1 freezer. CRIU does
 * not change its state. */
static const char *frozen_group(struct arena *arena, const struct cgroup_place *place)
{
	const struct cgroup_dir *found = NULL;

	for (size_t i = 0; i < place->dirs.n; i++)
		if (driver_is_in(&place->dirs.v[i], DRIVER_V2_PART) ||
		    (!found && str_has_word(place->dirs.v[i].controllers, "freezer", ',')))
			found = &place->dirs.v[i];
	return found ? arena_strf(arena, "%s%s", found->mount, found->path) : NULL;
}

/* Without a cgroup only the first process is known. */
static int look(const struct checkpoint_ask *ask, struct checkpoint_look *ret, struct err *err)
{
	const struct state *state = ask->state;
	pid_t *pids = NULL, *all;
	struct cgroup cgroup;
	struct err ignored;
	size_t n = 0;

	if (cgroup_place_is_group(&state->cgroup) &&
	    cgroup_of_open(state, "checkpoint", &cgroup, &ignored) == 0) {
		if (driver_pids(&cgroup, ask->arena, &pids, &n, &ignored) < 0)
			n = 0;
		driver_close(&cgroup);
	}
	all = arena_array(ask->arena, n + 1, sizeof(*all));
	all[0] = (pid_t)state->pid.v;
	if (n)
		memcpy(all + 1, pids, n * sizeof(*all));
	return checkpoint_look(ask->arena, all, n + 1, ask->config, ret, err);
}

static int check_groups(const struct checkpoint_ask *ask, const struct rpc_opts *opts,
			struct err *err)
{
	char groups[8192];
	int pid = (int)ask->state->pid.v;
	ssize_t n = io_read_small(AT_FDCWD, arena_strf(ask->arena, "/proc/%d/cgroup", pid), groups,
				  sizeof(groups));

	return n < 0 ? err_errno(err, (int)-n, "read /proc/%d/cgroup", pid)
		     : plan_criu_check_groups(opts, &ask->state->cgroup, groups, err);
}

/* Nothing outside the container is in the images. */
static int check_keepers(const struct state *state, struct err *err)
{
	if (state->net_pid.set)
		return err_set(err, EOPNOTSUPP,
			       "the network of container %s is provided by a process outside it",
			       state->id);
	if (state->layer_pid.set)
		return err_set(err, EOPNOTSUPP,
			       "an overlay of container %s is served by a process outside it",
			       state->id);
	return 0;
}

/* Most streams are one file. */
static void add_external(const char **v, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (str_equal(v[i], name))
			return;
	if (name)
		v[(*n)++] = name;
}

static void name_external(struct arena *arena, const struct checkpoint_look *look,
			  struct rpc_opts *opts)
{
	const char **external = arena_array(arena, look->n_streams + 2, sizeof(*external));
	bool null;

	opts->n_external = 0;
	for (size_t i = 0; i < look->n_streams; i++)
		if (look->streams[i].inode)
			add_external(external, &opts->n_external,
				     plan_criu_stream_key(
					     arena, plan_criu_stream_text(arena, &look->streams[i]),
					     &null));
	add_external(external, &opts->n_external, look->external_net);
	add_external(external, &opts->n_external, look->external_pid);
	opts->external = external;
}

int checkpoint_ask(const struct checkpoint_ask *ask, struct rpc_opts *ret,
		   struct checkpoint_look *ret_seen, struct err *err)
{
	int r = check_keepers(ask->state, err);

	if (r == 0)
		r = plan_criu_check(ask->config, err);
	if (r == 0)
		r = criu_options_read(ask->arena, ask->options, ask->config, ret, err);
	if (r == 0)
		r = check_groups(ask, ret, err);
	if (r == 0)
		r = look(ask, ret_seen, err);
	if (r < 0)
		return r;
	ret->pid = (int)ask->state->pid.v;
	ret->root = ask->state->rootfs;
	/* CRIU stops processes by ptrace, so they resume when it dies. A cgroup that it had frozen
	 * would stay frozen. */
	if (ask->paused)
		ret->freezer = frozen_group(ask->arena, &ask->state->cgroup);
	plan_criu_dump_mounts(ask->arena, ask->config, ret_seen->real, ret_seen->mountinfo, ret);
	name_external(ask->arena, ret_seen, ret);
	return 0;
}
