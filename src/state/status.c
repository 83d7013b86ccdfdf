/* SPDX-License-Identifier: Apache-2.0 */
#include "src/state/status.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/str.h"
#include "src/sys/pidfd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* /proc/PID/stat: the name in brackets may hold anything, so fields are counted behind the last ")".
 * Field 3 is the state, field 22 the start time (proc(5)). */
uint64_t status_start_time(pid_t pid)
{
	char path[32], text[1024], *p;
	uint64_t start = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (io_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return 0;
	p = strrchr(text, ')');
	if (!p || p[1] != ' ' || p[2] == 'Z' || p[2] == 'X')
		return 0;
	p += 2;
	for (int field = 3; field < 22 && p; field++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	if (!p)
		return 0;
	p[strcspn(p, " ")] = '\0';
	return parse_u64(p, &start) == 0 ? start : 0;
}

const char *status_boot_id(struct arena *arena)
{
	char id[64];

	if (io_read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", id, sizeof(id)) <= 0)
		return "";
	return arena_strdup(arena, id);
}

static bool is_frozen(const struct state *state)
{
	struct cgroup cgroup = { 0 };
	struct err ignored;
	bool frozen;

	if (state->cgroup_driver <= (int)CGROUP_DRIVER_NONE + 1 || state->phase != STATE_STARTED)
		return false;
	if (driver_open((enum cgroup_driver_kind)(state->cgroup_driver - 1), state->cgroup_dirs.v,
			state->cgroup_dirs.n, &cgroup, &ignored) < 0)
		return false;
	frozen = driver_is_frozen(&cgroup);
	driver_close(&cgroup);
	return frozen;
}

/* Another boot's pids mean nothing. The start time alone would nearly always tell; it counts from boot. */
static bool same_process(const struct state *state)
{
	return state->start_time.set && state->start_time.v != 0 &&
	       status_start_time((pid_t)state->pid.v) == state->start_time.v;
}

enum status status_of(const struct state *state, int *ret_pidfd)
{
	_cleanup_close_ int pidfd = -1;

	if (ret_pidfd)
		*ret_pidfd = -1;
	if (!state->pid.set)
		return state->phase == STATE_CREATING ? STATUS_CREATING : STATUS_STOPPED;
	if (ret_pidfd)
		pidfd = pidfd_open_process((pid_t)state->pid.v);
	/* The descriptor first: what it stands for cannot change any more while we compare. */
	if ((ret_pidfd && pidfd < 0) || !same_process(state))
		return STATUS_STOPPED;
	if (ret_pidfd)
		*ret_pidfd = fd_take(&pidfd);
	if (is_frozen(state))
		return STATUS_PAUSED;
	return state->phase == STATE_STARTED ? STATUS_RUNNING :
	       state->phase == STATE_CREATED ? STATUS_CREATED :
					       STATUS_CREATING;
}

const char *status_name(enum status status)
{
	static const char *const names[] = { "creating", "created", "running", "paused", "stopped" };

	return names[status];
}
