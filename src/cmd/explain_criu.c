/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/explain_criu.h"

#include "src/base/fd.h"
#include "src/cmd/checkpoint_ask.h"
#include "src/cmd/common.h"
#include "src/host/mountinfo.h"
#include "src/state/status.h"

int explain_criu_checkpoint(struct arena *arena, const struct cmd_globals *globals, const char *id,
			    struct str *out, struct err *err)
{
	const struct criu_options options = { 0 };
	struct checkpoint_ask ask = { .arena = arena, .options = &options };
	struct checkpoint_look seen = { 0 };
	_cleanup_close_ int dirfd = -1;
	struct state state = { 0 };
	struct rpc_opts opts;
	struct store *store;
	int r = dirfd = common_open(arena, globals, id, &store, &state, err);

	if (r >= 0)
		r = status_of(&state, NULL, err);
	if (r >= 0 && r != STATUS_RUNNING && r != STATUS_PAUSED)
		return err_set(err, EINVAL, "container %s is not running", id);
	ask.state = &state;
	ask.paused = r == STATUS_PAUSED;
	if (r >= 0)
		r = common_read_config(arena, dirfd, &ask.config, err);
	if (r == 0)
		r = checkpoint_ask(&ask, &opts, &seen, err);
	if (r < 0)
		return r;
	plan_criu_print_dump(out, &opts, seen.streams, seen.n_streams, seen.strays);
	return 0;
}

int explain_criu_restore(struct arena *arena, const struct oci_config *config,
			 const struct plan *plan, bool here, struct str *out, struct err *err)
{
	const struct criu_options options = { 0 };
	struct rpc_opts opts;
	char *mountinfo = NULL;
	int r = plan_criu_check(config, err);

	if (r == 0)
		r = criu_options_read(arena, &options, config, &opts, err);
	if (r == 0 && here)
		r = mountinfo_read(arena, &mountinfo, err);
	if (r < 0)
		return r;
	if (!here) /* what is installed there is not known */
		opts.network_lock = -1;
	opts.root = plan->rootfs.path;
	plan_criu_restore_mounts(arena, plan, &plan->cgroup.place, mountinfo ? mountinfo : "",
				 &opts);
	plan_criu_print_restore(out, &opts);
	return 0;
}
