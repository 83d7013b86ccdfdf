/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/child.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/sys/compat.h"
#include "src/sys/pidfd.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* What CLONE_CLEAR_SIGHAND does. */
static void clear_handlers(void)
{
	static const struct sigaction standard = { .sa_handler = SIG_DFL };
	struct sigaction now;

	for (int signal = 1; signal <= 64; signal++) /* fails for the two that libc reserves */
		if (sigaction(signal, NULL, &now) == 0 && now.sa_handler != SIG_IGN &&
		    now.sa_handler != SIG_DFL)
			(void)sigaction(signal, &standard, NULL);
}

/* clone(2) takes the exit signal in the lowest eight bits, which include CLONE_NEWTIME, and no
 * cgroup. */
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

pid_t child_clone(const struct clone_request *request, struct child *ret)
{
	int pidfd = -1;
	struct clone_args args = { .flags = request->flags | CLONE_CLEAR_SIGHAND | CLONE_PIDFD,
				   .pidfd = (uint64_t)(uintptr_t)&pidfd };
	pid_t pid = -ENOSYS;

	/* A sibling inherits the parent's exit signal; the kernel rejects any other. */
	if (!(request->flags & CLONE_PARENT))
		args.exit_signal = SIGCHLD;
	if (request->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)request->cgroup_fd;
	}
	if (!compat_is_missing(COMPAT_CLONE3))
		pid = compat_result(COMPAT_CLONE3, syscall(SYS_clone3, &args, sizeof(args)));
	if (pid == -ENOSYS)
		pid = clone_classic(&args, &pidfd);
	if (pid > 0)
		*ret = (struct child){ .pid = pid, .pidfd = pidfd };
	return pid;
}

void child_exit(int status)
{
	(void)syscall(SYS_exit_group, status);
	(void)kill(getpid(), SIGKILL);
	for (;;) /* init of a pid namespace gets no signals from itself */
		__builtin_trap();
}

/* 1 if it has ended (or, with WSTOPPED, stopped), 0 if not, or -errno. */
static int wait_for(int idtype, int id, int options, int *ret_status)
{
	int what = options & WSTOPPED ? 0 : WEXITED;
	siginfo_t info = { 0 };
	int r, again = 1;

	do /* SIGCHLD comes once: do not lose the end that it announced */
		r = waitid((idtype_t)idtype, (id_t)id, &info, what | WNOHANG | __WALL | options);
	while (r < 0 && (errno == EINTR || (errno != ECHILD && again-- > 0)));
	if (r < 0)
		return -errno;
	if (!info.si_pid)
		return 0;
	if (ret_status)
		*ret_status = info.si_code == CLD_EXITED   ? info.si_status << 8
			      : info.si_code == CLD_DUMPED ? info.si_status | 0x80
							   : info.si_status;
	return 1;
}

/* Waits by pid, which is unique until it is reaped, if there is no descriptor that waitid()
 * accepts. */
static int wait_of(const struct child *child, int options, int *ret_status)
{
	bool real = pidfd_to_poll(child->pidfd) >= 0;

	return wait_for(real ? P_PIDFD : P_PID, real ? child->pidfd : child->pid, options,
			ret_status);
}

int child_adopt(pid_t pid, struct child *ret)
{
	int r = pid > 0 ? wait_for(P_PID, pid, WNOWAIT, NULL) : -ECHILD;
	int pidfd;

	if (r < 0)
		return r;
	pidfd = pidfd_open_process(pid); /* the pid cannot have been reused: only we reap it */
	if (pidfd < 0)
		return pidfd;
	*ret = (struct child){ .pid = pid, .pidfd = pidfd };
	return 0;
}

int child_signal(const struct child *child, int signal)
{
	return child_is_there(child) ? pidfd_signal(child->pidfd, signal) : -ESRCH;
}

/* A signal mask. */
static uint64_t mask_of(const struct io_status *status, const char *name)
{
	const char *value = io_status_field(status, name);

	return value ? strtoull(value, NULL, 16) : 0;
}

bool child_is_deaf(const struct child *child, int signal)
{
	uint64_t bit = 1ULL << (signal - 1);
	struct io_status status;
	const char *pids, *end;

	if (!child_is_there(child) || io_read_status(child->pid, &status) < 0)
		return false;
	pids = io_status_field(&status, "NSpid"); /* from our namespace to the innermost */
	end = pids ? strchr(pids, '\n') : NULL;
	if (!end || end - pids < 3 || strncmp(end - 2, "\t1", 2) != 0)
		return false;
	return !((mask_of(&status, "SigIgn") | mask_of(&status, "SigCgt")) & bit);
}

static bool is_handling(const struct child *child, int signal)
{
	struct io_status status;
	const char *state;

	if (!child_is_there(child) || io_read_status(child->pid, &status) < 0)
		return false;
	state = io_status_field(&status, "State");
	return mask_of(&status, "ShdPnd") & 1ULL << (signal - 1) || !state || *state != 'S';
}

void child_await_signal(const struct child *child, int signal, int timeout_ms)
{
	long long deadline = clock_now() + timeout_ms;

	while (is_handling(child, signal) && clock_left(deadline) > 0)
		(void)poll(NULL, 0, 1);
}

void child_signal_group(const struct child *child, int signal)
{
	if (child_is_there(child)) /* not reaped yet, so the number is still its process group's */
		(void)kill(-child->pid, signal);
}

void child_continue(const struct child *child)
{
	if (child_is_there(child) && wait_of(child, WSTOPPED | WNOWAIT, NULL) > 0)
		child_signal_group(child, SIGCONT);
}

void child_signal_group_below(const struct child *child, int signal)
{
	if (child_is_there(child))
		(void)sigqueue(child->pid, signal, (union sigval){ .sival_int = CHILD_GROUP });
}

int child_has_ended(const struct child *child, int *ret_status)
{
	return child_is_there(child) ? wait_of(child, WNOWAIT, ret_status) : -ECHILD;
}

int child_reap(struct child *child, int timeout_ms, int *ret_status)
{
	int r = child_is_there(child) ? 0 : -ECHILD;

	if (r == 0 && timeout_ms > 0)
		r = pidfd_wait(child->pidfd, timeout_ms);
	if (r == 0)
		r = wait_of(child, 0, ret_status);
	/* The descriptor reports the end at once, but waitid() only after a tracer (strace -f) has
	 * reaped the child, too. */
	for (int waited = 0; r == 0 && waited < timeout_ms; waited++) {
		(void)poll(NULL, 0, 1);
		r = wait_of(child, 0, ret_status);
	}
	if (r == 0)
		return -ETIMEDOUT;
	if (r < 0)
		return r;
	fd_closep(&child->pidfd);
	child->pid = 0;
	return 0;
}

int child_end(struct child *child, int timeout_ms)
{
	if (!child_is_there(child))
		return 0;
	(void)child_signal(child, SIGKILL);
	return child_reap(child, timeout_ms, NULL);
}
