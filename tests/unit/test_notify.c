/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager hears from a container. */
#include "src/base/fd.h"
#include "src/run/notify.h"
#include "src/sys/compat.h"
#include "tests/lib/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(const char *text, int has_fd, const char *wanted)
{
	char buf[256] = "";
	size_t len;

	(void)strncpy(buf, text, sizeof(buf) - 1);
	len = notify_filter(buf, has_fd);
	buf[len] = '\0';
	CHECK_STR(buf, wanted);
}

TEST(what_it_may_believe_is_kept)
{
	check("READY=1", 0, "READY=1\n");
	check("READY=1\nSTATUS=up and well\nMAINPID=7\n", 0, "READY=1\nSTATUS=up and well\n");
	check("RELOADING=1\nMONOTONIC_USEC=5\n", 0, "RELOADING=1\nMONOTONIC_USEC=5\n");
	check("WATCHDOG=1\n\n\nSTOPPING=1", 0, "WATCHDOG=1\nSTOPPING=1\n");
}

TEST(the_rest_is_dropped)
{
	check("", 0, "");
	check("\n\n", 0, "");
	check("MAINPID=1", 0, "");
	check("FDSTORE=1\nFDNAME=x", 1, "");
	check("XREADY=1", 0, "");
	check(" READY=1", 0, "");
	check("ready", 0, "");
}

/* All is kept, and the last line has no end of its own: what is behind it is not the program's. */
TEST(what_is_behind_the_text_is_not_read)
{
	char text[] = "READY=1\nSTATUS=up\0\nERRNO=2\nSTOPPING=1\n";
	size_t len = strlen(text);

	CHECK_INT(notify_filter(text, 0), len + 1);
	CHECK(memcmp(text, "READY=1\nSTATUS=up\n\nERRNO=2", len + 9) == 0);
}

TEST(a_barrier_has_a_descriptor)
{
	check("BARRIER=1", 0, "");
	check("BARRIER=1", 1, "BARRIER=1\n");
	check("BARRIER=2", 1, "");
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	CHECK(dir != NULL);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static void send_descriptors(int sock, const char *text, size_t n)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	const int fds[] = { STDIN_FILENO, STDOUT_FILENO };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
	CHECK_INT(sendmsg(sock, &msg, 0), (int)strlen(text));
}

/* Whatever comes along, nothing of it stays with us; and an empty message does not end the
 * others. */
TEST(descriptors_do_not_pile_up)
{
	int pair[2], manager[2], before;
	char heard[64] = "";

	CHECK_INT(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
	CHECK_INT(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, manager), 0);
	before = open_descriptors();
	send_descriptors(pair[0], "STATUS=x", 2);
	send_descriptors(pair[0], "", 1);
	send_descriptors(pair[0], "", 2);
	CHECK_INT(send(pair[0], "READY=1", 7, 0), 7);
	notify_relay(pair[1], -1);
	CHECK_INT(open_descriptors(), before);
	send_descriptors(pair[0], "", 1);
	CHECK_INT(send(pair[0], "READY=1", 7, 0), 7);
	notify_relay(pair[1], manager[0]);
	CHECK_INT(recv(manager[1], heard, sizeof(heard) - 1, 0), 8);
	CHECK_STR(heard, "READY=1\n");
	for (int i = 0; i < 2; i++)
		CHECK(close(pair[i]) == 0 && close(manager[i]) == 0);
}

/* /proc/PID, which stands for a process where there is no pidfd_open(), cannot be polled. */
TEST(the_end_of_a_program_is_seen_without_pidfds)
{
	char path[32];
	int listener[2], stand_in;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	errno = ENOSYS;
	CHECK_INT(compat_result(COMPAT_PIDFD_OPEN, -1), -ENOSYS);
	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	stand_in = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(stand_in >= 0);
	CHECK_INT(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, listener), 0);
	(void)alarm(300);
	notify_await(listener[0], -1, pid, stand_in);
	(void)alarm(0);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	fd_closep(&listener[0]);
	fd_closep(&listener[1]);
	fd_closep(&stand_in);
}
