/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/freeze.h"

#include "src/base/fd.h"
#include "src/cmd/cgroup_of.h"
#include "src/cmd/common.h"
#include "src/state/status.h"

int freeze_container(struct arena *arena, const struct cmd_globals *globals, const char *id, bool freeze,
		     struct err *err)
{
	_cleanup_close_ int dirfd = -1;
	struct state state = { 0 };
	struct cgroup cgroup;
	struct store *store;
	enum status status;
	int r;

	dirfd = common_open(arena, globals, id, &store, &state, err);
	if (dirfd < 0)
		return dirfd;
	status = status_of(&state, NULL);
	if (freeze && status != STATUS_RUNNING && status != STATUS_CREATED)
		return err_set(err, EINVAL, "container not running: %s (%s)", id, status_name(status));
	if (!freeze && status != STATUS_PAUSED)
		return err_set(err, EINVAL, "container not paused: %s (%s)", id, status_name(status));
	r = cgroup_of_open(&state, freeze ? "pause" : "resume", &cgroup, err);
	if (r < 0)
		return r;
	r = driver_freeze(&cgroup, freeze, err);
	driver_close(&cgroup);
	return r;
}
