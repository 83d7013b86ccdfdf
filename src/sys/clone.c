/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/clone.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

pid_t clone_process(const struct clone_request *request, int *ret_pidfd)
{
	struct clone_args args = { .flags = request->flags | CLONE_CLEAR_SIGHAND };
	int pidfd = -1;
	long pid;

	/* A sibling's exit signal is that of the parent: the kernel refuses another one. */
	if (!(request->flags & CLONE_PARENT))
		args.exit_signal = SIGCHLD;
	if (request->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)request->cgroup_fd;
	}
	if (ret_pidfd) {
		args.flags |= CLONE_PIDFD;
		args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return -errno;
	if (pid > 0 && ret_pidfd)
		*ret_pidfd = pidfd;
	return (pid_t)pid;
}
