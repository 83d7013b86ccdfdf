/* SPDX-License-Identifier: Apache-2.0 */
#include "userns/idmap_fd.h"

#include "src/base/fd.h"
#include "src/sys/child.h"
#include "userns/probe.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <unistd.h>

enum { DEATH_TIMEOUT_MS = 10000 };

/* Waits for the end of the pipe, which comes with our word or with our death. */
static __attribute__((noreturn)) void hold(int pipe_fds[2])
{
	char nothing;

	fd_closep(&pipe_fds[1]);
	while (read(pipe_fds[0], &nothing, 1) < 0 && errno == EINTR)
		;
	child_exit(0);
}

static int write_and_open(const struct idmap_write *write, pid_t pid, struct err *err)
{
	char path[64];
	int fd, r = idmap_write(write, pid, err);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, errno, "open the user namespace of a mapping") : fd;
}

int idmap_fd_open(const struct idmap_write *write, struct err *err)
{
	struct clone_request request = { .flags = CLONE_NEWUSER, .cgroup_fd = -1 };
	struct child holder = CHILD_NONE;
	int pipe_fds[2], fd;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a user namespace for a mapping");
	pid = child_clone(&request, &holder);
	if (pid == 0)
		hold(pipe_fds);
	fd = pid < 0 ? probe_userns_refused((int)-pid, err) : write_and_open(write, pid, err);
	fd_closep(&pipe_fds[0]);
	fd_closep(&pipe_fds[1]);
	(void)child_end(&holder, DEATH_TIMEOUT_MS);
	return fd;
}
