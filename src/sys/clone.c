/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/clone.h"

#include "src/sys/compat.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What CLONE_CLEAR_SIGHAND does. */
static void clear_handlers(void)
{
	static const struct sigaction standard = { .sa_handler = SIG_DFL };
	struct sigaction now;

	for (int signal = 1; signal <= 64; signal++) /* libc's own refuse */
		if (sigaction(signal, NULL, &now) == 0 && now.sa_handler != SIG_IGN &&
		    now.sa_handler != SIG_DFL)
			(void)sigaction(signal, &standard, NULL);
}

/* clone(2), whose lowest eight bits are the exit signal: CLONE_NEWTIME is among them, and no cgroup is a flag. */
static pid_t clone_classic(const struct clone_args *args, int *pidfd)
{
	const uint64_t own = CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;
	unsigned long flags =
		(unsigned long)(args->flags & ~own) | (unsigned long)args->exit_signal;
	long pid;

	if (args->flags & CLONE_INTO_CGROUP)
		return -ENOSYS;
	if (args->flags & CSIGNAL)
		return compat_irreplaceable(COMPAT_CLONE3);
#ifdef __s390__
	pid = syscall(SYS_clone, 0UL, flags, pidfd);
#else
	pid = syscall(SYS_clone, flags, 0UL, pidfd);
#endif
	if (pid == 0)
		clear_handlers();
	return pid < 0 ? -errno : (pid_t)pid;
}

pid_t clone_process(const struct clone_request *request, int *ret_pidfd)
{
	struct clone_args args = { .flags = request->flags | CLONE_CLEAR_SIGHAND };
	int pidfd = -1;
	pid_t pid = -ENOSYS;

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
	if (!compat_is_missing(COMPAT_CLONE3))
		pid = compat_result(COMPAT_CLONE3, syscall(SYS_clone3, &args, sizeof(args)));
	if (pid == -ENOSYS)
		pid = clone_classic(&args, &pidfd);
	if (pid > 0 && ret_pidfd)
		*ret_pidfd = pidfd;
	return pid;
}
