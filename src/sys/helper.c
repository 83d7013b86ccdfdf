/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/helper.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/sys/clone.h"
#include "src/sys/privs.h"
#include "src/sys/program.h"
#include "src/sys/sock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ANSWER = 8192 };

static struct {
	const void *image;
	size_t len;
	pid_t pid; /* 0: it does not run */
	int sock;
} helper;

void helper_set_image(const void *image, size_t len)
{
	helper.image = image;
	helper.len = len;
}

static int open_image(struct err *err)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (!helper.image)
		return err_set(err, ENOEXEC, "this program carries no helper for libraries");
	fd = program_memfd("usrun-helper");
	r = fd < 0 ? fd : io_write_all(fd, helper.image, helper.len);
	if (r >= 0)
		r = program_seal(fd);
	if (r >= 0)
		return fd_take(&fd);
	(void)err_errno(err, -r, "prepare the helper that loads libraries");
	if (r == -EACCES)
		err_hint(err, "vm.memfd_noexec=2 (sysctl) forbids programs in memory");
	return r;
}

static void child(int image, int sock)
{
	char *argv[] = { (char[]){ "usrun-helper" }, NULL };
	struct err err;

	/* The signals of a terminal are for the container and for us: it ends when we close the socket. */
	(void)setpgid(0, 0);
	program_reset_signals(~0ULL);
	if (privs_die_with_parent(&err) == 0 && dup2(sock, STDIN_FILENO) >= 0)
		(void)program_exec(image, argv);
	_exit(127);
}

/* The first answer comes unasked: whether the library could be loaded. */
static int receive(char *answer, size_t size, const char **ret_at, const char **ret_end,
		   struct err *err)
{
	const char *code, *text, *hint;
	int fd, number;
	ssize_t n = sock_recv(helper.sock, answer, size, &fd);

	if (n <= 0) {
		(void)err_set(err, EIO, "the helper that loads libraries has ended: %s",
			      n < 0 ? err_why((int)-n) : "it could not be executed, or crashed");
		err_hint(err, "vm.memfd_noexec=2 (sysctl) forbids programs in memory");
		return -EIO;
	}
	*ret_at = answer;
	*ret_end = answer + n;
	code = helper_next(ret_at, *ret_end);
	text = helper_next(ret_at, *ret_end);
	hint = helper_next(ret_at, *ret_end);
	if (!code || !text || !hint || parse_int(code, &number) < 0)
		return err_set(err, EIO, "the helper that loads libraries gave no answer");
	if (!number)
		return 0;
	(void)err_set(err, number, "%s", text);
	if (*hint)
		err_hint(err, "%s", hint);
	return -number;
}

int helper_start(struct err *err)
{
	const struct clone_request how = { .cgroup_fd = -1 };
	_cleanup_close_ int image = -1, theirs = -1;
	char answer[MAX_ANSWER];
	const char *at, *end;
	int socks[2], r;
	pid_t pid;

	if (helper.pid)
		return 0;
	image = open_image(err);
	if (image < 0)
		return image;
	r = sock_pair(socks, err);
	if (r < 0)
		return r;
	theirs = socks[1];
	pid = clone_process(&how, NULL);
	if (pid == 0)
		child(image, theirs);
	helper.sock = socks[0];
	if (pid < 0) {
		fd_closep(&helper.sock);
		return err_errno(err, -pid, "start the helper that loads libraries");
	}
	helper.pid = pid;
	fd_closep(&theirs);
	r = receive(answer, sizeof(answer), &at, &end, err);
	if (r < 0)
		helper_stop();
	return r;
}

int helper_call(struct arena *arena, const struct str *request, const char **ret, size_t *ret_len,
		struct err *err)
{
	char *answer = arena_alloc(arena, MAX_ANSWER);
	const char *at, *end;
	int r = helper_start(err);

	if (r < 0)
		return r;
	r = sock_send(helper.sock, request->s, request->len, -1);
	if (r < 0)
		return err_errno(err, -r, "ask the helper that loads libraries (%zu bytes)",
				 request->len);
	r = receive(answer, MAX_ANSWER, &at, &end, err);
	if (r < 0)
		return r;
	*ret = at;
	*ret_len = (size_t)(end - at);
	return 0;
}

void helper_stop(void)
{
	if (!helper.pid)
		return;
	/* A container's process that was started meanwhile has a copy of the socket. */
	(void)shutdown(helper.sock, SHUT_RDWR);
	fd_closep(&helper.sock);
	while (waitpid(helper.pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	helper.pid = 0;
}
