/* SPDX-License-Identifier: Apache-2.0 */
/* Protects the restored mounts before any process of the container runs again. */
#include "src/steps/restore.h"

#include "src/base/fd.h"
#include "src/steps/steps.h"
#include "src/sys/mountfd.h"
#include "src/sys/privs.h"
#include "src/sys/resolve.h"
#include "src/sys/sock.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEATH_TIMEOUT_MS = 10000 };

static int protect(const struct mount_entry *m, int root)
{
	uint64_t all = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	_cleanup_close_ int fd = resolve_open(root, m->target, O_PATH);
	int r = fd < 0 ? fd : mountfd_set_attr(fd, m->attr_set & all, 0, 0, false);

	return r == 0 && (m->rattr_set & all) ? mountfd_set_attr(fd, m->rattr_set & all, 0, 0, true)
					      : r;
}

/* Runs in the container's mount namespace. */
static int protect_all(struct start *start, struct err *err)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;
	_cleanup_close_ int root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	for (size_t i = 0; r == 0 && i < rootfs->n_mounts; i++)
		if (rootfs->mounts[i].kind == MOUNT_BIND && !rootfs->mounts[i].inside) {
			r = protect(&rootfs->mounts[i], root);
			if (r < 0)
				return err_errno(err, -r, "set the options of the mount on %s",
						 rootfs->mounts[i].target);
		}
	for (size_t i = 0; i < rootfs->n_masked; i++) {
		_cleanup_close_ int fd = resolve_open(root, rootfs->masked[i], O_PATH);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode))
			continue;
		r = mountfd_set_attr(fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
				     0, 0, false);
		if (r < 0)
			return err_errno(err, -r, "set the options of the mask on %s",
					 rootfs->masked[i]);
	}
	return 0;
}

static __attribute__((noreturn)) void protect_child(struct start *start, pid_t parent, int report)
{
	struct err err = { 0 };
	int r = privs_die_with_parent(parent, &err);

	if (r == 0 && setns(start->init.pidfd, CLONE_NEWNS) < 0)
		r = err_errno(&err, errno, "enter the restored mounts");
	if (r == 0)
		r = protect_all(start, &err);
	if (r < 0)
		(void)sock_send(report, &err, sizeof(err), -1);
	child_exit(r < 0);
}

/* Where CRIU finds two mounts of one file or directory, it gives the second the options of the
 * first: a read-only one could become writable. The processes are still stopped. */
int step_criu_protect(struct start *start, struct err *err)
{
	const struct clone_request request = { .cgroup_fd = -1 };
	struct child child = CHILD_NONE;
	struct err theirs = { 0 };
	int report[2], fd = -1, status = 0, r = sock_pair(report, err);
	pid_t self = getpid(), pid;

	if (r < 0)
		return r;
	pid = child_clone(&request, &child);
	if (pid == 0)
		protect_child(start, self, report[1]);
	fd_closep(&report[1]);
	if (pid > 0 && sock_recv(report[0], &theirs, sizeof(theirs), &fd) == sizeof(theirs)) {
		*err = theirs;
		r = -theirs.code;
	}
	fd_closep(&fd);
	fd_closep(&report[0]);
	if (pid > 0 && child_reap(&child, DEATH_TIMEOUT_MS, &status) < 0)
		(void)child_end(&child, DEATH_TIMEOUT_MS);
	if (pid < 0 || (r == 0 && status))
		return err_errno(err, pid < 0 ? (int)-pid : ECHILD, "check the restored mounts");
	return r;
}
