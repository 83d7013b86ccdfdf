/* SPDX-License-Identifier: Apache-2.0 */
/* What slirp4netns itself takes: a network namespace with a device that stays, the helper on it,
 * until it is ready, and its end. Nothing else of a container is made.
 *
 *   helper_floor SLIRP4NETNS */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	(void)close(fd);
}

/* Removed with the namespace, not by the end of the helper, which would take longer. */
static void make_device(void)
{
	struct ifreq request = { .ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0 || ioctl(fd, TUNSETPERSIST, 1) < 0)
		die("/dev/net/tun");
	(void)close(fd);
}

/* Holds the namespaces until it is killed. */
static void hold(int said)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char map[64];

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		die("unshare");
	put("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "0 %u 1", (unsigned int)uid);
	put("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "0 %u 1", (unsigned int)gid);
	put("/proc/self/gid_map", map);
	make_device();
	if (write(said, "", 1) != 1)
		die("write");
	for (;;)
		(void)pause();
}

static void help(const char *program, pid_t holder, int ready)
{
	char fd[16], pid[16];

	(void)snprintf(fd, sizeof(fd), "%d", ready);
	(void)snprintf(pid, sizeof(pid), "%d", (int)holder);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || fcntl(ready, F_SETFD, 0) < 0)
		die("prctl");
	(void)!freopen("/dev/null", "w", stdout);
	(void)!freopen("/dev/null", "w", stderr);
	(void)execl(program, "slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback",
		    "--enable-sandbox", "--enable-seccomp", "--ready-fd", fd, pid, "tap0",
		    (char *)NULL);
	_exit(127);
}

static void await(int fds[2], const char *what)
{
	char byte;

	(void)close(fds[1]);
	if (read(fds[0], &byte, 1) != 1) {
		(void)fprintf(stderr, "%s is not ready\n", what);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	int said[2], ready[2];
	pid_t holder, helper;

	if (argc != 2 || pipe2(said, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0)
		die("helper_floor SLIRP4NETNS");
	holder = fork();
	if (holder == 0)
		hold(said[1]);
	await(said, "the namespace");
	helper = fork();
	if (helper == 0)
		help(argv[1], holder, ready[1]);
	await(ready, "slirp4netns");
	if (kill(helper, SIGKILL) < 0 || kill(holder, SIGKILL) < 0)
		die("kill");
	return waitpid(helper, NULL, 0) == helper && waitpid(holder, NULL, 0) == holder ? 0 : 1;
}
