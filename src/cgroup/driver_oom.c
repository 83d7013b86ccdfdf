/* SPDX-License-Identifier: Apache-2.0 */
/* Kills by the memory limit: counted in memory.oom_control (v1) and memory.events (v2). v1 tells of them
 * through an eventfd, v2 by POLLPRI on the file. */
#include "src/cgroup/driver_priv.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/str.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static uint64_t count_of(const char *text)
{
	const char *at = strstr(text, "oom_kill ");
	uint64_t count = 0;
	char number[24] = "";

	if (at)
		(void)snprintf(number, sizeof(number), "%.*s", (int)strcspn(at + 9, "\n"), at + 9);
	return parse_u64(number, &count) < 0 ? 0 : count;
}

uint64_t driver_oom_kills(const struct cgroup *cgroup)
{
	const char *file =
		cgroup->place.kind == CGROUP_DRIVER_V2 ? "memory.events" : "memory.oom_control";
	char text[512];

	return driver_read(cgroup, "memory", file, text, sizeof(text)) <= 0 ? 0 : count_of(text);
}

const char *driver_oom_words(const struct cgroup *cgroup, struct arena *arena)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB" };
	const char *file =
		cgroup->place.kind == CGROUP_DRIVER_V2 ? "memory.max" : "memory.limit_in_bytes";
	char text[64];
	uint64_t limit;
	size_t unit = 0;

	if (driver_read(cgroup, "memory", file, text, sizeof(text)) <= 0 ||
	    parse_u64(text, &limit) < 0 || limit > 1ULL << 60)
		return "killed by a memory limit above its cgroup";
	for (; unit < 3 && limit && limit % 1024 == 0; unit++)
		limit /= 1024;
	return arena_strf(arena, "killed by the memory limit (%llu %s) of its cgroup",
			  (unsigned long long)limit, units[unit]);
}

static int watch_v1(int dir, struct driver_oom *ret, struct err *err)
{
	_cleanup_close_ int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	_cleanup_close_ int control = openat(dir, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	char text[32];
	int r;

	if (event < 0 || control < 0)
		return err_errno(err, errno, "watch memory.oom_control of the container");
	(void)snprintf(text, sizeof(text), "%d %d", event, control);
	r = io_write_at(dir, "cgroup.event_control", text);
	if (r < 0)
		return err_errno(err, -r, "register with cgroup.event_control of the container");
	ret->fd = fd_take(&event);
	ret->events = POLLIN;
	return 0;
}

int driver_oom_watch(const struct cgroup *cgroup, struct driver_oom *ret, struct err *err)
{
	int v1 = driver_priv_find(cgroup, "memory"), v2 = driver_priv_v2(cgroup);

	*ret = (struct driver_oom){ .fd = -1 };
	if (cgroup->place.kind == CGROUP_DRIVER_V1)
		return v1 < 0 ? 0 : watch_v1(cgroup->fds[v1], ret, err);
	if (v2 < 0)
		return 0;
	ret->fd = openat(cgroup->fds[v2], "memory.events", O_RDONLY | O_CLOEXEC);
	if (ret->fd < 0 && errno != ENOENT) /* without the controller there is nothing to tell */
		return err_errno(err, errno, "open memory.events of the container");
	ret->events = POLLPRI;
	(void)driver_oom_happened(ret); /* kernfs tells of changes since the last reading */
	return 0;
}

bool driver_oom_happened(struct driver_oom *oom)
{
	char text[512] = "";
	uint64_t count = 0, before = oom->seen;

	if (oom->fd < 0)
		return false;
	if (oom->events == POLLIN)
		return read(oom->fd, &count, sizeof(count)) == sizeof(count);
	if (pread(oom->fd, text, sizeof(text) - 1, 0) <= 0) {
		fd_closep(&oom->fd); /* it would have events for ever */
		return false;
	}
	oom->seen = count_of(text);
	return oom->seen > before;
}

int driver_oom_patience(struct driver_oom *oom, bool changed)
{
	enum { TURNS = 15 }; /* of 1 ms */

	if (oom->fd < 0 || oom->events == POLLIN)
		return -1;
	if (changed)
		oom->patience = TURNS;
	else if (oom->patience)
		oom->patience--;
	return oom->patience ? 1 : -1;
}
