/* SPDX-License-Identifier: Apache-2.0 */
/* Filters in a child of our own, and a listener brought to an agent. */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/security/filter_load.h"
#include "src/sys/sock.h"
#include "tests/lib/check.h"
#include "tests/lib/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;

static struct filter_program compile(const char *text)
{
	const struct oci_seccomp *seccomp;
	struct filter_program program = { 0 };
	struct err err = { 0 };
	int r = profile_decode(&arena, text, &seccomp, &err);

	if (r == 0)
		r = filter_compile(&arena, seccomp, &program, &err);
	if (r < 0)
		(void)printf("%s\n", err.text);
	CHECK_INT(r, 0);
	return program;
}

/* Runs the function in a child; its return value is the exit status. */
static int in_child(int (*function)(const struct filter_program *),
		    const struct filter_program *program)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(function(program));
	CHECK_INT(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int send_under_own(const struct filter_program *program)
{
	static const int calls[] = { SYS_sendmsg, SYS_exit_group };
	int pair[2], r;

	(void)program;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    filter_load_own(calls, 2) < 0)
		return 2;
	r = sock_send(pair[0], "x", 1, pair[1]);
	(void)syscall(SYS_exit_group, r < 0);
	return 3;
}

/* The C library may reach sockets by another call than the one of their name. */
TEST(own_filter_lets_messages_pass)
{
	CHECK_INT(in_child(send_under_own, NULL), 0);
}

static int load(const struct filter_program *program, int *ret_listener)
{
	struct err err = { 0 };
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 90;
	r = filter_load(program, ret_listener, &err);
	if (r < 0)
		(void)fprintf(stderr, "%s\n", err.text);
	return r < 0 ? 91 : 0;
}

static int try_calls(const struct filter_program *program)
{
	char buf[4096], *seccomp;
	int listener, r = load(program, &listener);

	if (r || listener != -1)
		return 10 + r;
	if (syscall(SYS_getcwd, buf, sizeof(buf)) != -1 || errno != ENOTEMPTY)
		return 1;
	/* Only the condition's value is refused, in all of its 64 bits where there are as many. */
	if (syscall(SYS_lseek, -1, (long)0x100000005, 0) != -1 || errno != EDOM)
		return 2;
	if (syscall(SYS_lseek, -1, sizeof(long) == 8 ? 5L : 6L, 0) != -1 || errno != EBADF)
		return 3;
	if (io_read_small(AT_FDCWD, "/proc/self/status", buf, sizeof(buf)) <= 0)
		return 4;
	seccomp = strstr(buf, "\nSeccomp:\t");
	return seccomp && seccomp[10] == '2' ? 0 : 5;
}

TEST(load)
{
	struct filter_program program = compile(
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
		"{\"names\":[\"getcwd\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":39},"
		"{\"names\":[\"lseek\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":33,\"args\":["
		"{\"index\":1,\"value\":4294967301,\"op\":\"SCMP_CMP_EQ\"}]}]}");

	CHECK_INT(in_child(try_calls, &program), 0);
}

static int call_mkdir(const struct filter_program *program)
{
	int listener, r = load(program, &listener);

	(void)mkdirat(AT_FDCWD, "/nowhere/at/all", 0700);
	return r;
}

TEST(kill)
{
	struct filter_program program = compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\","
						"\"syscalls\":[{\"names\":[\"mkdirat\"],"
						"\"action\":\"SCMP_ACT_KILL_PROCESS\"}]}");

	CHECK_INT(in_child(call_mkdir, &program), 1000 + SIGSYS);
}

static int fail_to_load(const struct filter_program *program)
{
	struct filter_program other = *program;
	struct err err = { 0 };
	int listener;

	other.flags = 1u << 30;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 1;
	if (filter_load(&other, &listener, &err) != -EINVAL || !strstr(err.text, "load the filter"))
		return 2;
	other.n = 0;
	if (filter_load(&other, &listener, &err) != -EINVAL)
		return 3;
	/* A flag that nobody asked for is dropped where the kernel does not know it. */
	other = *program;
	other.flags_implied = true;
	if (filter_load(&other, &listener, &err) < 0)
		return 4;
	return 0;
}

TEST(failures)
{
	struct filter_program program = compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}");

	CHECK_INT(in_child(fail_to_load, &program), 0);
	CHECK(filter_load_flags() & SECCOMP_FILTER_FLAG_LOG);
	CHECK(filter_load_flags() & SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	CHECK(filter_load_flags() & SECCOMP_FILTER_FLAG_TSYNC);
}

/* Init: loads, hands the listener over, and makes a call that the agent answers. */
static int notify_child(const struct filter_program *program, int sock)
{
	int listener, r = load(program, &listener);

	if (r)
		return r;
	r = filter_load_pass(program->handover, sock, "x", 1, listener);
	if (r < 0)
		return 1;
	return mkdirat(AT_FDCWD, "/usrun-test-notify", 0700) < 0 && errno == EXFULL ? 0 : 2;
}

/* Answers one notification with EXFULL, by the descriptor that an agent gets. */
static void answer(int listener)
{
	struct seccomp_notif request = { 0 };
	struct seccomp_notif_resp response = { .error = -EXFULL };

	CHECK_INT(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request), 0);
	CHECK_INT(request.data.nr, SYS_mkdirat);
	response.id = request.id;
	CHECK_INT(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response), 0);
}

/* Reads what an agent gets: to the end, with one descriptor in front. */
static size_t receive(int server, char *text, size_t size, int *ret_fd)
{
	_cleanup_close_ int sock = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	size_t len = 0;
	ssize_t n;
	int fd = -1;

	*ret_fd = -1;
	while ((n = sock_recv(sock, text + len, size - 1 - len, &fd)) > 0) {
		if (fd >= 0) {
			CHECK_INT(len, 0);
			CHECK_INT(*ret_fd, -1);
			*ret_fd = fd;
		}
		len += (size_t)n;
	}
	CHECK_INT(n, 0);
	text[len] = '\0';
	return len;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	CHECK_INT(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(listen(sock, 1), 0);
	return sock;
}

static void to_agent(const char *path, int listener, pid_t pid)
{
	static const struct json_pair pairs[] = { { "a", "1" } };
	struct state_doc doc = { .id = "c1",
				 .status = "creating",
				 .bundle = "/b",
				 .pid = pid,
				 .annotations = pairs,
				 .n_annotations = 1 };
	struct filter_notify notify = { .state = &doc, .pid = pid, .metadata = "meta" };
	struct err err = { 0 };
	int r = filter_load_send(path, listener, &notify, &err);

	if (r < 0)
		(void)printf("%s\n", err.text);
	CHECK_INT(r, 0);
}

static void notify_with(const char *profile, enum filter_handover how)
{
	struct filter_program program = compile(profile);
	_cleanup_close_ int listener = -1, agent = -1, server = -1;
	char path[] = "/tmp/usrun-test-notify-XXXXXX", text[8192], byte, wanted[64];
	int pair[2], status = 0;
	struct err err;
	pid_t pid;

	CHECK_INT(program.handover, how);
	CHECK(mkdtemp(path) != NULL);
	(void)snprintf(text, sizeof(text), "%s/agent", path);
	server = listen_at(text);
	CHECK_INT(sock_pair(pair, &err), 0);
	pid = fork();
	if (pid == 0)
		_exit(notify_child(&program, pair[1]));
	(void)close(pair[1]);
	CHECK_INT(sock_recv(pair[0], &byte, 1, &listener), 1);
	(void)close(pair[0]);
	to_agent(text, listener, pid);
	CHECK_INT(unlink(text), 0);
	CHECK_INT(rmdir(path), 0);
	CHECK(receive(server, text, sizeof(text), &agent) > 0);
	answer(agent);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	(void)snprintf(wanted, sizeof(wanted), "\"fds\":[\"seccompFd\"],\"pid\":%d,", pid);
	CHECK(strstr(text, wanted) != NULL);
	CHECK(strstr(text, "\"metadata\":\"meta\"") != NULL);
	CHECK(strstr(text, "\"state\":{") != NULL);
	CHECK(strstr(text, "\"status\":\"creating\"") != NULL);
}

TEST(notify)
{
	notify_with("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdirat\"],"
		    "\"action\":\"SCMP_ACT_NOTIFY\"}]}",
		    FILTER_HANDOVER_SENDMSG);
	/* As bypass4netns does, which wants to see sendmsg itself. */
	notify_with(
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_TSYNC\"],"
		"\"syscalls\":[{\"names\":[\"mkdirat\",\"sendmsg\",\"close\",\"connect\"],"
		"\"action\":\"SCMP_ACT_NOTIFY\"}]}",
		FILTER_HANDOVER_SENDMMSG);
}

TEST(large_state)
{
	const size_t len = 300000;
	char *large = arena_alloc(&arena, len + 1), *text = arena_alloc(&arena, 2 * len);
	char path[] = "/tmp/usrun-test-notify-XXXXXX", name[64];
	struct json_pair pairs[] = { { "large", large } };
	struct state_doc doc = { .id = "c1",
				 .status = "creating",
				 .bundle = "/b",
				 .pid = 1,
				 .annotations = pairs,
				 .n_annotations = 1 };
	struct filter_notify notify = { .state = &doc, .pid = 1 };
	struct err err = { 0 };
	int server, fd, status = 0;
	pid_t pid;

	memset(large, 'x', len);
	CHECK(mkdtemp(path) != NULL);
	(void)snprintf(name, sizeof(name), "%s/agent", path);
	server = listen_at(name);
	pid = fork();
	if (pid == 0)
		_exit(filter_load_send(name, server, &notify, &err) < 0);
	CHECK(receive(server, text, 2 * len, &fd) > len);
	CHECK(fd >= 0);
	CHECK(!strstr(text, "metadata"));
	(void)close(fd);
	(void)close(server);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	CHECK_INT(unlink(name), 0);
	CHECK_INT(rmdir(path), 0);
}

TEST(no_agent)
{
	struct state_doc doc = { .id = "c1", .status = "creating", .bundle = "/b", .pid = 1 };
	struct filter_notify notify = { .state = &doc, .pid = 1 };
	struct err err = { 0 };

	CHECK_ERR(filter_load_send(NULL, 0, &notify, &err), &err,
		  "seccomp listenerPath is not set");
	CHECK_ERR(filter_load_send("/nowhere/agent", 0, &notify, &err), &err,
		  "connect to the agent at /nowhere/agent");
	CHECK(err.hint[0]);
}
