/* SPDX-License-Identifier: Apache-2.0 */
/* Freezing. On a hybrid host by the v2 tree: it tells when it is done, and a frozen process can be killed. */
#include "src/cgroup/driver_priv.h"

#include "src/base/io.h"
#include "src/base/str.h"
#include "src/sys/clock.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

enum { TIMEOUT_MS = 10000 };

static int timed_out(bool freeze, struct err *err)
{
	(void)err_set(err, ETIMEDOUT, "the container's cgroup did not %s within %d s",
		      freeze ? "freeze" : "thaw", TIMEOUT_MS / 1000);
	if (freeze)
		err_hint(err, "a process that waits for a disk or a network file system cannot be "
			      "frozen before that "
			      "answers; the container goes on running");
	else
		err_hint(err, "a group above it may be frozen");
	return -ETIMEDOUT;
}

static int freeze_v2(int dir, bool freeze, struct err *err)
{
	long long deadline = clock_now() + TIMEOUT_MS;
	int r = io_write_at(dir, "cgroup.freeze", freeze ? "1" : "0");

	if (r == 0)
		r = driver_priv_wait_event(dir, freeze ? "frozen 1" : "frozen 0", deadline);
	if (r < 0 && freeze)
		(void)io_write_at(dir, "cgroup.freeze", "0");
	if (r == -ETIMEDOUT)
		return timed_out(freeze, err);
	return r < 0 ? err_errno(err, -r, "%s the container by cgroup.freeze",
				 freeze ? "freeze" : "thaw")
		     : 0;
}

/* freezer.state has no event: the kernel works it out when it is read. Most groups are frozen at the second
 * or third reading, 0.2 to 0.3 ms after the write. It is written again each time, because a process that
 * moved in meanwhile would keep it at FREEZING. */
static int freeze_v1(int dir, bool freeze, struct err *err)
{
	const char *wanted = freeze ? "FROZEN" : "THAWED";
	long long deadline = clock_now() + TIMEOUT_MS;
	char text[64];

	for (unsigned int turn = 0; turn == 0 || clock_left(deadline); turn++) {
		int r = io_write_at(dir, "freezer.state", wanted);

		if (r < 0)
			return err_errno(err, -r, "write \"%s\" to freezer.state", wanted);
		if (io_read_small(dir, "freezer.state", text, sizeof(text)) > 0 &&
		    str_equal(text, wanted))
			return 0;
		driver_priv_pause(turn);
	}
	if (freeze)
		(void)io_write_at(dir, "freezer.state", "THAWED");
	return timed_out(freeze, err);
}

int driver_freeze(const struct cgroup *cgroup, bool freeze, struct err *err)
{
	int v2 = driver_priv_v2(cgroup), v1 = driver_priv_find(cgroup, "freezer");

	if (v2 >= 0)
		return freeze_v2(cgroup->fds[v2], freeze, err);
	if (v1 >= 0)
		return freeze_v1(cgroup->fds[v1], freeze, err);
	(void)err_set(err, ENOTSUP, "the container's cgroup has no freezer");
	err_hint(err, "the host mounts neither cgroup v2 nor the freezer of v1");
	return -ENOTSUP;
}

static bool read_by_path(const struct cgroup_dir *dir, const char *file, char text[64])
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s%s/%s", dir->mount, dir->path, file);

	return (size_t)n < sizeof(path) && io_read_small(AT_FDCWD, path, text, 64) > 0;
}

bool driver_is_frozen(const struct cgroup_place *place)
{
	for (size_t i = 0; i < place->dirs.n; i++) {
		const struct cgroup_dir *dir = &place->dirs.v[i];
		bool v1 = driver_priv_has(dir->controllers, "freezer", ',');
		char text[64];

		if (v1 && read_by_path(dir, "freezer.state", text) && !str_equal(text, "THAWED"))
			return true;
		if (driver_priv_is_v2(dir) && read_by_path(dir, "cgroup.freeze", text) &&
		    str_equal(text, "1"))
			return true;
	}
	return false;
}

void driver_fetch_frozen(const struct cgroup_place *place, pid_t pid)
{
	struct cgroup cgroup;
	struct err ignored;
	char text[16];
	int freezer;

	if (driver_open_main(place, &cgroup, &ignored) < 0)
		return;
	freezer = driver_priv_find(&cgroup, "freezer");
	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	if (freezer >= 0) /* who comes into a group gets its state */
		(void)io_write_at(cgroup.fds[freezer], "cgroup.procs", text);
	driver_close(&cgroup);
}
