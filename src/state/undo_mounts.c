/* SPDX-License-Identifier: Apache-2.0 */
#include "src/state/undo_mounts.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/host/mountinfo.h"
#include "src/state/status.h"
#include "src/sys/child.h"
#include "src/sys/mountfd.h"
#include "src/sys/privs.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { UNDO_TIMEOUT_MS = 10000 };

/* -EBUSY: our mount is at this place, covered by a later mount. */
static int check_covered(const struct state *state, const char *place)
{
	struct mountinfo_line line;
	struct arena arena = { 0 };
	bool found = false;
	const char *next;
	char id[24], *text;
	struct err err;
	int r;

	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)state->mount.id.v);
	r = mountinfo_read(&arena, &text, &err);
	for (next = text; r == 0 && !found && mountinfo_next(&next, &line);)
		found = mountinfo_is(line.id, id) &&
			str_equal(mountinfo_text(&arena, line.target), place);
	arena_free(&arena);
	return found ? -EBUSY : r;
}

/* Nothing tells whose mount covers ours: it may be another container's rootfs, with all mounts that
 * protect that container. */
static int detach_top(const struct state *state)
{
	const struct state_mount *ours = &state->mount;
	_cleanup_close_ int top = open(state->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct mountfd_ids ids;
	char place[PATH_MAX];
	bool covered;
	int r;

	if (top < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	r = mountfd_ids(top, &ids);
	if (r < 0)
		return r;
	covered = ids.id != ours->id.v;
	if (!covered && ours->unique.set && ids.unique != ours->unique.v)
		return 0;
	if (fchdir(top) < 0 || !getcwd(place, sizeof(place)))
		return -errno;
	if (covered)
		return check_covered(state, place);
	return umount2(".", MNT_DETACH) < 0 ? -errno : 0;
}

/* A user's mount namespace must be entered with capabilities in the user namespace that owns it. */
static int enter(int ns)
{
	_cleanup_close_ int owner = -1;

	if (ns < 0 || setns(ns, CLONE_NEWNS) == 0)
		return 0;
	owner = errno == EPERM ? ioctl(ns, NS_GET_USERNS) : -1;
	if (owner < 0 || setns(owner, CLONE_NEWUSER) < 0)
		return -EPERM;
	return setns(ns, CLONE_NEWNS) < 0 ? -errno : 0;
}

/* Runs in a child process, which can change its directory and namespaces. */
static __attribute__((noreturn)) void detach(const struct state *state, int ns)
{
	int r;

	/* No process of the namespaces that we enter may inspect our descriptors. */
	privs_set_dumpable(false);
	r = enter(ns);
	if (r == 0)
		r = detach_top(state);
	child_exit(-r);
}

/* A descriptor of the namespace if it is that one; -ENOENT: it is another, or out of reach. */
static int open_if(const char *path, uint64_t wanted)
{
	_cleanup_close_ int ns = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (ns < 0 && (errno == EACCES || errno == EPERM || errno == ENOTDIR || errno == ELOOP))
		return -ENOENT;
	if (ns < 0 || fstat(ns, &st) < 0)
		return -errno;
	return st.st_ino == wanted ? fd_take(&ns) : -ENOENT;
}

/* *ret is -1 for our own namespace. -ENOENT: nothing leads to it. */
static int find_namespace(const struct state_mount *mount, int *ret)
{
	struct stat own;

	*ret = -1;
	if (stat("/proc/self/ns/mnt", &own) < 0)
		return -errno;
	if (own.st_ino == mount->ns.v)
		return 0;
	*ret = mount->ns_path ? open_if(mount->ns_path, mount->ns.v) : -ENOENT;
	if (*ret == -ENOENT)
		*ret = open_if("/proc/1/ns/mnt", mount->ns.v);
	return *ret < 0 ? *ret : 0;
}

static int detach_in_child(const struct state *state, int ns)
{
	const struct clone_request request = { .cgroup_fd = -1 };
	struct child child = CHILD_NONE;
	pid_t pid = child_clone(&request, &child);
	int status, r;

	if (pid == 0)
		detach(state, ns);
	r = pid < 0 ? (int)pid : child_reap(&child, UNDO_TIMEOUT_MS, &status);
	if (r < 0) {
		(void)child_end(&child, UNDO_TIMEOUT_MS);
		return r;
	}
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

int undo_mounts_run(const struct state *state, struct err *err)
{
	_cleanup_close_ int ns = -1;
	int r;

	if (!state->mount.id.set || status_has_rebooted(state))
		return 0;
	r = find_namespace(&state->mount, &ns);
	if (r == -ENOENT) {
		log_notice("keeping the mounts below %s: the mount namespace that has them is "
			   "gone, or cannot be found from here",
			   state->rootfs);
		return 0;
	}
	if (r == 0)
		r = detach_in_child(state, ns);
	if (r == -EBUSY) {
		(void)err_set(err, EBUSY,
			      "unmount the rootfs %s of container %s: something else is mounted "
			      "over it",
			      state->rootfs, state->id);
		return err_hint(err, "unmount that first, or delete the container that it belongs "
				     "to");
	}
	return r < 0 ? err_errno(err, -r, "unmount the rootfs %s of container %s", state->rootfs,
				 state->id)
		     : 0;
}
