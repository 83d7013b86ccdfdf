/* SPDX-License-Identifier: Apache-2.0 */
/* Joining a pid namespace in which others live. They see every process born there, and one of them
 * may be allowed to trace it, against which nothing else protects: so whatever is born there holds
 * nothing of the host. Init is born last, and the namespace's procfs, which only a process inside
 * can request, comes from one that can do nothing else. */
#include "src/steps/steps.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/security/filter_load.h"
#include "src/sys/child.h"
#include "src/sys/mountfd.h"
#include "src/sys/privs.h"
#include "src/sys/program.h"
#include "src/sys/sock.h"

#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WORD_TIMEOUT_MS = 10000, DEATH_TIMEOUT_MS = 10000 };

/* Whatever a process must not expose has to be gone at birth: so its parent, which they cannot see,
 * gives it up first. */
static int empty_ourselves(const struct start *start, int sock)
{
	static const int calls[] = { SYS_fsopen, SYS_sendmsg, SYS_clone3, SYS_clone,
				     SYS_exit_group };
	int pidns = start->ns_fds[PLAN_NS_PID], keep[] = { sock, pidns };
	const uint64_t caps = UINT64_C(1) << CAP_SYS_ADMIN;
	_cleanup_close_ int empty = mountfd_fs_empty(NULL, NULL);
	struct err ignored;

	if (empty < 0)
		return empty;
	if (fchdir(empty) < 0 || chroot(".") < 0)
		return -errno;
	program_close_others(0, keep, 2);
	empty = -1;
	if (setns(pidns, CLONE_NEWPID) < 0)
		return -errno;
	(void)close(pidns);
	if (privs_set_caps(caps, caps, 0, &ignored) < 0)
		return -EPERM;
	return filter_load_own(calls, sizeof(calls) / sizeof(calls[0]));
}

/* Reports which process it has created; that one sends the procfs. */
static __attribute__((noreturn)) void ask_for_proc(const struct start *start, int sock)
{
	const struct clone_request request = { .flags = CLONE_PARENT, .cgroup_fd = -1 };
	struct child made = CHILD_NONE;
	int r = empty_ourselves(start, sock), fs;
	pid_t pid = r < 0 ? r : child_clone(&request, &made);

	if (pid == 0) {
		fs = mountfd_fs_open("proc");
		if (fs >= 0)
			(void)sock_send(sock, "p", 1, fs);
		child_exit(0);
	}
	(void)sock_send(sock, &pid, sizeof(pid), -1);
	child_exit(0);
}

/* Receives both messages, in either order: the pid (or an error) and the procfs. */
static int hear(int sock, struct child *in_it, int *ret)
{
	struct pollfd fd = { .fd = sock, .events = POLLIN };
	long long deadline = clock_now() + WORD_TIMEOUT_MS;

	while (*ret < 0 || !child_is_there(in_it)) {
		struct sock_mail mail;
		pid_t pid;
		int left = clock_left(deadline); /* a peer may never stop sending */
		ssize_t n = left ? poll(&fd, 1, left) : 0;

		n = n <= 0 ? -ETIMEDOUT : sock_recv_mail(sock, &pid, sizeof(pid), false, &mail);
		if (n <= 0)
			return n < 0 ? (int)n : -ECHILD;
		if (mail.fd >= 0 && *ret < 0)
			*ret = fd_take(&mail.fd);
		fd_closep(&mail.fd);
		if (n == sizeof(pid) && pid < 0)
			return pid;
		if (n == sizeof(pid) && !child_is_there(in_it) && child_adopt(pid, in_it) < 0)
			return -ECHILD;
	}
	return 0;
}

static int refused(const struct start *start, int error, struct err *err)
{
	(void)err_errno(err, error,
			ERR_AT "linux.namespaces: ask for a procfs of the joined pid namespace %s",
			start->plan->ns.v[PLAN_NS_PID].path);
	if (error == EINVAL)
		err_hint(err, START_NS_KIND_HINT, "pid");
	return error == ENOMEM ? err_hint(err, START_NS_ENDED_HINT) : -error;
}

int step_pidns_proc(struct start *start, struct err *err)
{
	const struct clone_request request = { .cgroup_fd = -1 };
	struct child maker = CHILD_NONE, in_it = CHILD_NONE;
	_cleanup_close_ int fs = -1;
	int pair[2], r;

	if (start->ns_fds[PLAN_NS_PID] < 0) /* joined already: see step_ns_join() */
		return refused(start, EPERM, err);
	r = sock_pair(pair, err);
	if (r < 0)
		return r;
	r = child_clone(&request, &maker);
	if (r == 0)
		ask_for_proc(start, pair[1]);
	fd_closep(&pair[1]);
	if (r > 0)
		r = hear(pair[0], &in_it, &fs);
	fd_closep(&pair[0]);
	(void)child_end(&in_it, DEATH_TIMEOUT_MS);
	(void)child_end(&maker, DEATH_TIMEOUT_MS);
	if (r < 0)
		return refused(start, -r, err);
	mountfd_fs_received(fs);
	return fd_take(&fs);
}

/* The stager's last act: init inherits what it still holds. */
int step_pidns_join(struct start *start, struct err *err)
{
	const int own[] = { start->lifeline,           start->seccomp_pair[1],
			    start->start_listener,     start->notify_listener,
			    start->console_master,     start->console_slave,
			    start->hooks_output.out,   start->hooks_output.err,
			    start->ns_fds[PLAN_NS_PID] };

	fd_closep(&start->rootfs);
	if (!(start->plan->flags & PLAN_HOOKS_START) || (start->plan->flags & PLAN_WAIT_START))
		hooks_close_output(&start->hooks_output);
	log_forget(); /* the log file is the host's */
	start_close_others(start, own, sizeof(own) / sizeof(own[0]));
	if (start->ns_fds[PLAN_NS_PID] < 0)
		return 0;
	if (setns(start->ns_fds[PLAN_NS_PID], CLONE_NEWPID) < 0)
		return err_errno(err, errno, ERR_AT "linux.namespaces: join the pid namespace %s",
				 start->plan->ns.v[PLAN_NS_PID].path);
	fd_closep(&start->ns_fds[PLAN_NS_PID]);
	return 0;
}
