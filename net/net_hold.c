/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_hold.h"

#include "net/net_ns.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/sys/bpf.h"
#include "src/sys/pidfd.h"
#include "src/sys/privs.h"
#include "src/sys/program.h"
#include "src/sys/sock.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEATH_TIMEOUT_MS = 10000 };

/* Since Linux 6.6: who is let go continues on the processor of the one who says so, which then
 * waits. Elsewhere it may wait for another. */
#define SET_FLAGS SECCOMP_IOW(4, __u64)
enum { SYNC_WAKE_UP = 1 };

/* The kernel's structures grow; it wants zeroes behind what it fills. */
union notice {
	struct seccomp_notif asked;
	struct seccomp_notif_resp answer;
	char room[512];
};

static int join(int member)
{
	_cleanup_close_ int netns = -1, userns = -1;
	struct err ignored;
	int r = net_ns_open(member, &netns, &userns, &ignored);

	if (r < 0)
		return r;
	if (userns < 0 || setns(userns, CLONE_NEWUSER) < 0 || setns(netns, CLONE_NEWNET) < 0)
		return userns < 0 ? -EINVAL : -errno;
	/* Without a device slirp4netns creates it itself, or says why it cannot. */
	if (!net_ns_has_device(member))
		(void)net_ns_create_device();
	/* Only then may slirp4netns open its namespaces. */
	privs_set_dumpable(true);
	return 0;
}

static __attribute__((noreturn)) void guide(int sock, pid_t keeper)
{
	int member = -1, none, r;
	struct err ignored;
	char word;

	program_close_others(3, &sock, 1);
	if (privs_die_with_parent(keeper, &ignored) < 0 ||
	    sock_recv(sock, &word, sizeof(word), &member) != sizeof(word))
		child_exit(1);
	r = join(member);
	(void)sock_send(sock, &r, sizeof(r), -1);
	(void)sock_recv(sock, &word, sizeof(word), &none);
	child_exit(0);
}

int net_hold_begin(struct net_hold *hold)
{
	const struct clone_request how = { .cgroup_fd = -1 };
	struct err ignored;
	int pair[2], r = sock_pair(pair, &ignored);
	pid_t self = getpid(), pid;

	if (r < 0)
		return r;
	pid = child_clone(&how, &hold->guide);
	if (pid == 0)
		guide(pair[1], self);
	(void)close(pair[1]);
	hold->guide_sock = pair[0];
	if (pid > 0 && pidfd_to_poll(hold->guide.pidfd) < 0)
		pid = -ENOSYS; /* as old a kernel has no filter that holds a process, either */
	r = pid < 0 ? (int)pid : sock_pair(hold->listener_sock, &ignored);
	if (r < 0)
		net_hold_end(hold);
	return r;
}

int net_hold_enter(const struct net_hold *hold)
{
	const struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, seccomp_arch_native(), 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socketpair, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	struct err ignored;
	int r = privs_set_no_new_privs(&ignored), listener;

	if (r < 0)
		return r;
	listener = bpf_filter_install(filter, sizeof(filter) / sizeof(filter[0]),
				      SECCOMP_FILTER_FLAG_NEW_LISTENER |
					      SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	return listener < 0 ? listener : sock_send(hold->listener_sock[1], "", 1, listener);
}

void net_hold_started(struct net_hold *hold)
{
	fd_closep(&hold->listener_sock[1]);
}

static bool is_readable(int fd, const struct net_hold_ends *ends, long long deadline)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
				{ .fd = pidfd_to_poll(ends->helper), .events = POLLIN },
				{ .fd = pidfd_to_poll(ends->init), .events = POLLIN } };

	while (poll(fds, 3, clock_left(deadline)) < 0)
		if (errno != EINTR)
			return false;
	return fds[0].revents & POLLIN;
}

bool net_hold_is_held(struct net_hold *hold, const struct net_hold_ends *ends, int timeout_ms)
{
	long long deadline = clock_now() + timeout_ms;
	char word;

	if (!is_readable(hold->listener_sock[0], ends, deadline) ||
	    sock_recv(hold->listener_sock[0], &word, sizeof(word), &hold->listener) < 0)
		return false;
	return hold->listener >= 0 && is_readable(hold->listener, ends, deadline);
}

static int let_guide_join(struct net_hold *hold, int member, const struct net_hold_ends *ends,
			  long long deadline)
{
	int none, said = 0, r = sock_send(hold->guide_sock, "", 1, member);

	if (r < 0)
		return r;
	if (!is_readable(hold->guide_sock, ends, deadline))
		return -ETIMEDOUT;
	return sock_recv(hold->guide_sock, &said, sizeof(said), &none) == sizeof(said) ? said
										       : -ECHILD;
}

int net_hold_release(struct net_hold *hold, int member, const struct net_hold_ends *ends,
		     int timeout_ms)
{
	union notice notice = { .room = { 0 } };
	int r = let_guide_join(hold, member, ends, clock_now() + timeout_ms);
	uint64_t id;

	if (r < 0)
		return r;
	if (ioctl(hold->listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) < 0)
		return -errno;
	(void)ioctl(hold->listener, SET_FLAGS, SYNC_WAKE_UP);
	id = notice.asked.id;
	notice = (union notice){ .room = { 0 } };
	notice.answer.id = id;
	notice.answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (ioctl(hold->listener, SECCOMP_IOCTL_NOTIF_SEND, &notice) < 0)
		return -errno;
	fd_closep(&hold->listener); /* the helper creates no second pair: that would fail */
	return 0;
}

void net_hold_dismiss(const struct net_hold *hold)
{
	(void)child_signal(&hold->guide, SIGKILL);
}

void net_hold_end(struct net_hold *hold)
{
	fd_closep(&hold->listener);
	fd_closep(&hold->listener_sock[0]);
	fd_closep(&hold->listener_sock[1]);
	fd_closep(&hold->guide_sock);
	(void)child_end(&hold->guide, DEATH_TIMEOUT_MS);
}
