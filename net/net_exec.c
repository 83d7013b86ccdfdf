/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_exec.h"

#include "net/net_hold.h"
#include "net/net_ns.h"
#include "src/base/io.h"
#include "src/sys/child.h"
#include "src/sys/pidfd.h"
#include "src/sys/privs.h"
#include "src/sys/program.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* slirp4netns's sandbox makes only "/" private in its new mount namespace before it unmounts the
 * old root. With shared propagation, systemd's default, that would unmount everything two mounts
 * deep on the host, too. In a user namespace of its own no mount is shared with the host. */
static int hide_mounts(struct err *err)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_errno(err, errno, "create a mount namespace for the network helper");
	return 0;
}

/* Enters the container's user namespace, either as root (sets *ret_root) or with the capabilities
 * that the program needs for its work and its sandbox. */
static int enter_userns(int userns, bool *ret_root, struct err *err)
{
	const uint64_t caps = 1ULL << CAP_SYS_ADMIN | 1ULL << CAP_NET_ADMIN |
			      1ULL << CAP_NET_BIND_SERVICE | 1ULL << CAP_SETPCAP;
	struct err ignored;
	int r;

	*ret_root = true;
	if (userns < 0)
		return hide_mounts(err);
	if (setns(userns, CLONE_NEWUSER) < 0)
		return err_errno(err, errno, "join the container's user namespace");
	/* The caller's groups stay if setgroups() is denied. */
	*ret_root = privs_set_groups(NULL, 0, &ignored) <= 0 && privs_set_gid(0, &ignored) == 0 &&
		    privs_set_uid(0, &ignored) == 0;
	if (*ret_root)
		return 0;
	r = privs_set_caps(caps, caps, caps, err);
	return r < 0 ? r : privs_set_ambient(caps, err);
}

static bool host_routes_ipv6(struct arena *arena)
{
	struct err ignored;
	char *text;

	return io_read_file(AT_FDCWD, "/proc/net/ipv6_route", 1 << 20, arena, &text, NULL,
			    &ignored) == 0 &&
	       net_routes_ipv6(text);
}

static int inherit(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0 && fcntl(fds[i], F_SETFD, 0) < 0)
			return -errno;
	return 0;
}

/* The socket is created in the working directory: an open descriptor would lead out of the sandbox.
 * Only we can reach the directory, but possibly under another uid than slirp4netns has, so the
 * socket's mode lets everybody connect. */
static int enter_api(int api, struct err *err)
{
	(void)umask(0);
	if (api >= 0 ? fchdir(api) < 0 : chdir("/") < 0)
		return err_errno(err, errno, "enter the directory of slirp4netns");
	return 0;
}

static const char *title(struct arena *arena, const struct net_exec *what)
{
	return arena_strf(arena, "usrun:[%s] %s", net_kind_name(what->plan->kind), what->id);
}

static int exec_program(const struct net_exec *what, const char *const *argv, struct err *err)
{
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };

	(void)execve(what->program, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
	return err_errno(err, errno, "start %s", what->program);
}

static void await_end(struct child *child)
{
	while (child_reap(child, INT_MAX, NULL) == -ETIMEDOUT)
		;
}

/* A child does this, because there is no way back from the container's namespace. On failure
 * slirp4netns creates the device itself, or says why it cannot. */
static void keep_device(const struct net_exec *what)
{
	const struct clone_request how = { .cgroup_fd = -1 };
	struct child maker = CHILD_NONE;
	struct err ignored;
	pid_t self = getpid(), pid = child_clone(&how, &maker);

	if (pid == 0 && privs_die_with_parent(self, &ignored) == 0 &&
	    setns(what->netns, CLONE_NEWNET) == 0) {
		net_ns_take_down_device(what->member);
		(void)net_ns_create_device();
	}
	if (pid == 0)
		child_exit(0);
	if (pid > 0)
		await_end(&maker);
}

/* Its namespaces exist. */
static int prepare_inside(const struct net_exec *what, bool *ret_root, struct err *err)
{
	int r = enter_userns(what->userns, ret_root, err);

	if (r == 0)
		keep_device(what);
	return r;
}

static int exec_slirp(struct arena *arena, const struct net_exec *what, struct err *err)
{
	const struct net_helper_fds fds = { .ready = what->ready,
					    .exit = what->exit,
					    .netns = what->netns,
					    .guide = what->hold ? what->hold->guide.pid : 0,
					    .api = what->api >= 0 };
	int own[] = { what->ready, what->exit, what->netns };
	bool ipv6 = host_routes_ipv6(arena), root = what->root;
	int r = enter_api(what->api, err), held = 0;

	if (r == 0 && what->hold)
		held = net_hold_enter(what->hold);
	else if (r == 0)
		r = prepare_inside(what, &root, err);
	if (held < 0)
		return err_errno(err, -held, "hold the network helper");
	/* slirp4netns sets its ids to 0 before it sets up its sandbox, needlessly: the kernel
	 * checks capabilities. */
	if (r == 0 && !root)
		r = privs_pretend_ids(err);
	if (r < 0)
		return r;
	r = inherit(own, sizeof(own) / sizeof(own[0]));
	program_close_others(3, own, sizeof(own) / sizeof(own[0]));
	if (r < 0)
		return err_errno(err, -r, "start %s", what->program);
	return exec_program(what, net_slirp_argv(arena, what->plan, title(arena, what), &fds, ipv6),
			    err);
}

/* Runs as init of a pid namespace, so that pasta dies with it: pasta changes its credentials, upon
 * which the kernel clears its parent-death signal. */
static __attribute__((noreturn)) void hold_pasta(const struct net_exec *what,
						 const char *const *argv, int parent)
{
	const struct clone_request how = { .cgroup_fd = -1 };
	struct child pasta = CHILD_NONE;
	struct err err = { 0 };
	pid_t pid = -1;

	if (privs_die_with_parent(0, &err) == 0 && pidfd_wait(parent, 0) < 0)
		pid = child_clone(&how, &pasta);
	if (pid == 0)
		(void)exec_program(what, argv, &err);
	if (pid <= 0) {
		(void)io_write_all(STDERR_FILENO, err.text, strlen(err.text));
		child_exit(127);
	}
	await_end(&pasta);
	child_exit(127);
}

/* Lets any user open the pipe, even one unmapped in the user namespace. */
static int take_streams(const struct net_exec *what, struct err *err)
{
	if (fchmod(what->ready, 0666) < 0 || dup2(what->netns, STDIN_FILENO) < 0 ||
	    dup2(what->ready, STDOUT_FILENO) < 0)
		return err_errno(err, errno, "pass the network namespace to pasta");
	return 0;
}

static int exec_pasta(struct arena *arena, const struct net_exec *what, struct err *err)
{
	const struct clone_request how = { .flags = CLONE_NEWPID, .cgroup_fd = -1 };
	bool ipv6 = host_routes_ipv6(arena), root = false;
	const char *const *argv;
	struct child holder = CHILD_NONE;
	int self = pidfd_open_process(getpid()), r = take_streams(what, err);
	pid_t pid;

	program_show_title(title(arena, what));
	if (r == 0)
		r = enter_userns(what->userns, &root, err);
	if (r == 0)
		r = privs_die_with_parent(what->keeper, err);
	if (r < 0)
		return r;
	argv = net_pasta_argv(arena, what->plan, title(arena, what), ipv6, root);
	program_close_others(3, &self, 1);
	pid = child_clone(&how, &holder);
	if (pid == 0)
		hold_pasta(what, argv, self);
	if (pid < 0)
		return err_errno(err, (int)-pid, "start the network helper");
	await_end(&holder);
	child_exit(127);
}

/* Passes the socket as systemd does (sd_listen_fds(3)), so that a program written for a service
 * manager works as a proxy. */
static int exec_proxy(struct arena *arena, const struct net_exec *what, struct err *err)
{
	/* Without exec, the parent-death signal would reach the shell, but not the command. */
	const char *argv[] = { "sh", "-c", arena_strf(arena, "exec %s", what->plan->text), NULL };
	char pid[16];
	int keep = 3;

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (setenv("LISTEN_FDS", "1", 1) < 0 || setenv("LISTEN_PID", pid, 1) < 0 ||
	    dup2(what->member, 3) < 0 || inherit(&keep, 1) < 0)
		return err_errno(err, errno, "pass the socket to the proxy");
	program_close_others(3, &keep, 1);
	(void)execve("/bin/sh", (char *const *)(uintptr_t)argv, environ);
	return err_errno(err, errno, "start /bin/sh");
}

int net_exec_run(struct arena *arena, const struct net_exec *what, struct err *err)
{
	if (what->plan->kind == NET_PROXY)
		return exec_proxy(arena, what, err);
	return what->plan->kind == NET_PASTA ? exec_pasta(arena, what, err)
					     : exec_slirp(arena, what, err);
}
