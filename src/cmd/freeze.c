/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/freeze.h"

#include "src/base/fd.h"
#include "src/cmd/cgroup_of.h"
#include "src/cmd/common.h"
#include "src/state/status.h"

static int refuse(const char *id, bool freeze, enum status status, struct err *err)
{
	return err_set(err, EINVAL, "container not %s: %s (%s)", freeze ? "running" : "paused", id,
		       status_name(status));
}

int freeze_container(struct arena *arena, const struct cmd_globals *globals, const char *id,
		     bool freeze, struct err *err)
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
	if (freeze ? status != STATUS_RUNNING && status != STATUS_CREATED : status != STATUS_PAUSED)
		return refuse(id, freeze, status, err);
	r = cgroup_of_open(&state, freeze ? "pause" : "resume", &cgroup, err);
	if (r == -ENOENT)
		return refuse(id, freeze, STATUS_STOPPED, err);
	if (r < 0)
		return r;
	r = driver_freeze(&cgroup, freeze, err);
	driver_close(&cgroup);
	/* It may have ended, and been deleted, meanwhile. */
	return r < 0 && status_of(&state, NULL) == STATUS_STOPPED
		       ? refuse(id, freeze, STATUS_STOPPED, err)
		       : r;
}
