/* SPDX-License-Identifier: Apache-2.0 */
/* Opens, joins and creates namespaces, and fills the network namespace: lo, and devices of the
 * host. */
#include "src/steps/steps.h"

#include "net/devices.h"
#include "net/loopback.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/host/facts.h"
#include "src/oci/names.h"
#include "src/oci/sysctl.h"
#include "src/sys/pidfd.h"
#include "src/sys/privs.h"
#include "userns/probe.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether a joined namespace is nevertheless the caller's or that of the first process. What cannot
 * be compared is not taken for another, unless this user may not see the first process. */
static bool is_the_hosts(int ns, int kind)
{
	static const char *const whose[] = { "self", "1" };
	const char *name = kind == PLAN_NS_NET     ? "net"
			   : kind == PLAN_NS_MOUNT ? "mnt"
						   : names_namespaces[kind].name;
	struct stat st, host = { 0 };
	char path[32];

	if (fstat(ns, &st) < 0)
		return true;
	for (size_t i = 0; i < sizeof(whose) / sizeof(whose[0]); i++) {
		(void)snprintf(path, sizeof(path), "/proc/%s/ns/%s", whose[i], name);
		if (stat(path, &host) < 0 && errno != ENOENT && errno != EACCES && errno != EPERM)
			return true;
		if (host.st_ino == st.st_ino && host.st_dev == st.st_dev)
			return true;
	}
	return false;
}

/* What the config sets in a namespace, in the config's terms; NULL: nothing. */
static const char *what_is_set(const struct plan *plan, int kind)
{
	char path[SYSCTL_PATH_MAX];

	for (size_t i = 0; i < plan->n_sysctl; i++)
		if (sysctl_path(plan->sysctl[i].key, path) == 0 &&
		    sysctl_namespace(path) == names_namespaces[kind].value)
			return "linux.sysctl";
	if (kind == PLAN_NS_NET && (plan->flags & PLAN_NET_DEVICES))
		return "linux.netDevices";
	if (kind != PLAN_NS_UTS)
		return NULL;
	return plan->hostname ? "hostname" : plan->domainname ? "domainname" : NULL;
}

/* By descriptor: the path may lead elsewhere when opened again. */
static int check_not_the_hosts(const struct start *start, int kind, struct err *err)
{
	const char *what = what_is_set(start->plan, kind);
	const char *path = start->plan->ns.v[kind].path;

	/* The kernel refuses to join the current user namespace again, with an unhelpful errno. */
	if ((!what && kind != PLAN_NS_USER) || !is_the_hosts(start->ns_fds[kind], kind))
		return 0;
	if (!what)
		return err_set(
			err, EINVAL,
			ERR_AT
			"linux.namespaces: join the user namespace %s: usrun is already in it",
			path);
	return err_set(err, EINVAL,
		       ERR_AT "%s: the %s namespace %s is the host's, which would change", what,
		       names_namespaces[kind].name, path);
}

enum { SETTLE_MS = 2000 }; /* short, because PID may be a stranger that never lets us in */

/* The path may be in /proc/PID/ns of a container created just now, and it may name a FIFO. */
static int open_path(const char *path)
{
	long long deadline = clock_now() + SETTLE_MS;
	int fd, r, pid = 0;

	(void)sscanf(path, "/proc/%d/ns/", &pid);
	do {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		r = fd < 0 ? -errno : 0;
	} while (pid > 0 && start_target_settles(r, pid, deadline));
	return fd < 0 ? r : fd;
}

int step_ns_open(struct start *start, struct err *err)
{
	if (start->plan->process.apparmor_profile || start->plan->process.selinux_label)
		start->lsm = facts_lsm(); /* sysfs is still the host's */
	for (int kind = 0; kind < PLAN_NS_COUNT; kind++) {
		const char *path = start->plan->ns.v[kind].path;
		int r;

		if (start->plan->ns.v[kind].action != NS_JOIN)
			continue;
		r = open_path(path);
		if (r < 0)
			return err_errno(err, -r,
					 ERR_AT "linux.namespaces: open the %s namespace %s",
					 names_namespaces[kind].name, path);
		start->ns_fds[kind] = r;
		r = check_not_the_hosts(start, kind, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int join(struct start *start, int kind, struct err *err)
{
	/* Processes inside may be allowed to trace whoever enters, and see this process in the
	 * host's pid namespace, with the host's root and working directory. */
	if (kind == PLAN_NS_USER)
		privs_set_dumpable(false);
	if (setns(start->ns_fds[kind], names_namespaces[kind].value) < 0) {
		int error = errno;

		(void)err_errno(err, error, ERR_AT "linux.namespaces: join the %s namespace %s",
				names_namespaces[kind].name, start->plan->ns.v[kind].path);
		if (error == EINVAL)
			err_hint(err, START_NS_KIND_HINT, names_namespaces[kind].name);
		return -error;
	}
	fd_closep(&start->ns_fds[kind]);
	return 0;
}

/* After the join, children are born into the pid namespace and visible to its processes. If this
 * process keeps its rights over that namespace, the join waits for step_pidns_join(). */
bool step_ns_pid_comes_last(const struct start *start)
{
	_cleanup_close_ int owner = -1;
	struct stat of, user;

	if (!(start->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN)))
		return true;
	owner = ioctl(start->ns_fds[PLAN_NS_PID], NS_GET_USERNS);
	return owner >= 0 && fstat(owner, &of) == 0 &&
	       fstat(start->ns_fds[PLAN_NS_USER], &user) == 0 && of.st_dev == user.st_dev &&
	       of.st_ino == user.st_ino;
}

/* A namespace owned by the user namespace that we are about to join can be entered only from there;
 * one owned by the caller's, only from here. Only trying tells which. */
static int join_or_later(struct start *start, int kind, struct err *err)
{
	int r = join(start, kind, err);

	start->late_join[kind] = r == -EPERM && start->plan->ns.v[PLAN_NS_USER].action == NS_JOIN;
	return start->late_join[kind] ? 0 : r;
}

int step_ns_join(struct start *start, struct err *err)
{
	int r = 0;

	for (int kind = PLAN_NS_USER + 1; r == 0 && kind < PLAN_NS_COUNT; kind++)
		if (start->plan->ns.v[kind].action == NS_JOIN && kind != PLAN_NS_PID)
			r = join_or_later(start, kind, err);
	return r;
}

int step_ns_join_pid(struct start *start, struct err *err)
{
	return join_or_later(start, PLAN_NS_PID, err);
}

int step_ns_join_late(struct start *start, struct err *err)
{
	int r = join(start, PLAN_NS_USER, err);

	for (int kind = PLAN_NS_USER + 1; r == 0 && kind < PLAN_NS_COUNT; kind++)
		if (start->late_join[kind])
			r = join(start, kind, err);
	return r;
}

int step_userns_create(struct start *start, struct err *err)
{
	if (!(start->plan->flags & PLAN_STAGER)) /* created by clone() */
		return 0;
	if (unshare(CLONE_NEWUSER) < 0)
		return probe_userns_refused(errno, err);
	return 0;
}

int step_mntns_create(struct start *start, struct err *err)
{
	if (!(start->plan->flags & PLAN_STAGER))
		return 0;
	if (unshare(CLONE_NEWNS) < 0)
		return err_errno(err, errno, "create a mount namespace");
	return 0;
}

static int make(unsigned int flags, struct err *err)
{
	struct str names = { 0 };
	int error;

	if (!flags || unshare((int)flags) == 0)
		return 0;
	error = errno;
	for (int kind = 0; kind < PLAN_NS_COUNT; kind++)
		if (flags & (unsigned int)names_namespaces[kind].value)
			str_addf(&names, "%s%s", names.len ? ", " : "",
				 names_namespaces[kind].name);
	(void)err_errno(err, error, "create a new namespace of each kind: %s", names.s);
	if (error == ENOSPC)
		err_hint(err, "one kind has reached its sysctl user.max_*_namespaces");
	str_done(&names);
	return -error;
}

int step_ns_create_early(struct start *start, struct err *err)
{
	return make(start->plan->ns.early_flags, err);
}

int step_ns_create(struct start *start, struct err *err)
{
	int r = make(start->plan->ns.unshare_flags, err);

	/* A process cloned into another's pid namespace is visible there at once, with the host's
	 * root and working directory, which nobody may open by tracing it. */
	if (start->plan->flags & PLAN_STAGER)
		privs_set_dumpable(false);
	return r;
}

int step_cgroupns_create(struct start *start, struct err *err)
{
	(void)start;
	if (unshare(CLONE_NEWCGROUP) < 0)
		return err_errno(err, errno, "create a cgroup namespace");
	return 0;
}

int step_timens_create(struct start *start, struct err *err)
{
	(void)start;
	return unshare(CLONE_NEWTIME) < 0 ? err_errno(err, errno, "create a time namespace") : 0;
}

int step_time_open(struct start *start, struct err *err)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/timens_offsets", (int)start_first(start)->pid);
	start->time_offsets = open(path, O_WRONLY | O_CLOEXEC);
	return start->time_offsets < 0
		       ? err_errno(err, errno, ERR_AT "linux.timeOffsets: open %s", path)
		       : 0;
}

static int add_offset(char *text, size_t size, const char *clock,
		      const struct oci_time_offset *offset)
{
	return offset ? snprintf(text, size, "%s %lld %llu\n", clock, (long long)offset->secs.v,
				 (unsigned long long)offset->nanosecs.v)
		      : 0;
}

/* In one write, because the file accepts no second. The kernel checks the opener's rights, and the
 * offsets are for the namespace at the time of opening. */
int step_time_offsets(struct start *start, struct err *err)
{
	const struct oci_time_offsets *offsets = start->plan->ns.offsets;
	char text[192] = "";
	int len, r = start->time_offsets < 0 ? step_time_open(start, err) : 0;

	if (r < 0)
		return r;
	len = add_offset(text, sizeof(text), "monotonic", offsets->monotonic);
	len += add_offset(text + len, sizeof(text) - (size_t)len, "boottime", offsets->boottime);
	r = len ? io_write_all(start->time_offsets, text, (size_t)len) : 0;
	fd_closep(&start->time_offsets);
	return r < 0 ? err_errno(err, -r, ERR_AT "linux.timeOffsets: set the new clocks") : 0;
}

int step_lifeline(struct start *start, struct err *err)
{
	return start_end_with_parent(start, err);
}

int step_idmap_write(struct start *start, struct err *err)
{
	return idmap_write(&start->plan->idmap, start_first(start)->pid, err);
}

int step_become_root(struct start *start, struct err *err)
{
	int r;

	if (!(start->plan->flags & (PLAN_USERNS_NEW | PLAN_USERNS_JOIN)))
		return 0;
	r = privs_become_root(err);
	/* The kernel clears the parent-death signal whenever the ids change. */
	return r < 0 ? r : start_end_with_parent(start, err);
}

int step_loopback(struct start *start, struct err *err)
{
	(void)start;
	return loopback_up(err);
}

/* A socket identifies the namespace in which it was created, without a pid that may be reused. */
int step_netns_show(struct start *start, struct err *err)
{
	start->netns_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (start->netns_socket < 0)
		return err_errno(err, errno,
				 "create a socket in the container's network namespace");
	return 0;
}

int step_netdev_move(struct start *start, struct err *err)
{
	int r = devices_open(start->netns_socket, &start->net, err);

	for (size_t i = 0; r == 0 && i < start->plan->n_net_devices; i++) {
		r = devices_move(start->arena, &start->net, &start->plan->net_devices[i], err);
		if (r < 0)
			return err_prefix(err, ERR_AT "linux.netDevices[\"%s\"]",
					  start->plan->net_devices[i].from);
	}
	return r;
}

/* exec: opens the namespaces and the cgroup of a running container. */

int step_target_open(struct start *start, struct err *err)
{
	const struct state *state = start->state;
	const char *instead;
	int r;

	if (start->plan->process.apparmor_profile || start->plan->process.selinux_label)
		start->lsm = facts_lsm(); /* sysfs is still the host's */
	/* A container without a mount namespace of its own has just a root directory, which differs
	 * from that of the namespace. */
	if (start->plan->ns.shared_mounts) {
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

	/* From now on the container's processes may see us: nothing of the host is open but the
	 * channels, and no process may trace us (CVE-2016-9962). */
	privs_set_dumpable(false);
	driver_close(&start->cgroup);
	r = start_join_target(start, start->plan->ns.join_flags);
	if (r < 0)
		return err_errno(err, -r, "join the namespaces of container %s", start->state->id);
	/* Its root and cgroup were found by its pid, which another process gets only after its
	 * end. */
	if (pidfd_wait(start->target_pidfd, 0) == 0)
		return err_errno(err, ESRCH, "enter container %s", start->state->id);
	fd_closep(&start->target_pidfd);
	r = enter_root(start, err);
	if (r < 0 || !(start->plan->flags & PLAN_USERNS_JOIN))
		return r;
	/* Capabilities alone do not open root's files. */
	r = privs_become_root(err);
	privs_set_dumpable(false);
	return r < 0 ? r : start_end_with_parent(start, err);
}
