/* SPDX-License-Identifier: Apache-2.0 */
/* exec: into the namespaces and the cgroup of a running container. */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/host/facts.h"
#include "src/sys/pidfd.h"
#include "src/sys/privs.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

int step_target_open(struct start *start, struct err *err)
{
	const struct state *state = start->state;
	const char *instead;
	int r;

	if (start->plan->process.apparmor_profile || start->plan->process.selinux_label)
		start->lsm = facts_lsm(); /* sysfs is the host's */
	/* A container without a mount namespace of its own has only a root directory. */
	if (!(start->plan->ns.join_flags & CLONE_NEWNS)) {
		char *path = arena_strf(start->arena, "/proc/%lld/root", (long long)state->pid.v);

		start->rootfs = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (start->rootfs < 0)
			return err_errno(err, errno, "open the root of container %s", state->id);
	}
	if (!(start->plan->flags & PLAN_CGROUP))
		return 0;
	r = driver_open_of(start->arena, &state->cgroup, (pid_t)state->pid.v, &start->cgroup,
			   &instead, err);
	if (r == 0 && instead)
		start_note(start,
			   "the cgroup %s is gone: joining that of the container's process, %s",
			   state->cgroup.dirs.v[0].path, instead);
	if (r == 0)
		start->oom_kills = driver_oom_kills(&start->cgroup);
	return r;
}

static int enter_root(struct start *start, struct err *err)
{
	if (start->rootfs < 0)
		return 0;
	if (fchdir(start->rootfs) < 0 || chroot(".") < 0)
		return err_errno(err, errno, "enter the root of container %s", start->state->id);
	fd_closep(&start->rootfs);
	return 0;
}

int step_target_enter(struct start *start, struct err *err)
{
	int r;

	/* From now on processes of the container may see us: nothing of the host but the channels is
	 * open, and nobody may trace us (CVE-2016-9962). */
	privs_set_dumpable(false);
	driver_close(&start->cgroup);
	r = pidfd_join(start->target_pidfd, (int)start->plan->ns.join_flags);
	if (r == -ESRCH)
		return err_set(err, ESRCH, "container not running: %s: its init has just ended",
			       start->state->id);
	if (r < 0)
		return err_errno(err, -r, "join the namespaces of container %s", start->state->id);
	fd_closep(&start->target_pidfd);
	r = enter_root(start, err);
	if (r < 0 || !(start->plan->flags & PLAN_USERNS_JOIN))
		return r;
	/* Root of the container, where it has one: capabilities alone do not open root's files. */
	r = privs_set_gid(0, err);
	if (r == 0)
		r = privs_set_uid(0, err);
	if (r == -EINVAL) /* 0 is not mapped; the full capabilities of the namespace have to do */
		r = 0;
	privs_set_dumpable(false);
	return r < 0 ? r : start_end_with_parent(start, err);
}
