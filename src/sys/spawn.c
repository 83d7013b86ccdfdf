/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/spawn.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/sys/child.h"
#include "src/sys/compat.h"
#include "src/sys/privs.h"
#include "src/sys/program.h"

#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DEATH_TIMEOUT_MS = 10000, LAST_READS = 256 /* more than a pipe holds */ };

/* A pipe that already holds all of the input, and has no writer. */
static int input_pipe(const struct spawn_request *request)
{
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	(void)fcntl(fds[1], F_SETPIPE_SZ, (int)request->input_len);
	(void)fcntl(fds[1], F_SETFL, O_NONBLOCK);
	r = io_write_all(fds[1], request->input, request->input_len);
	fd_closep(&fds[1]);
	if (r < 0)
		fd_closep(&fds[0]);
	return r < 0 ? r : fds[0];
}

/* A memory file rather than a pipe: a program that never reads its input must neither block us nor
 * raise SIGPIPE. */
static int input_file(const struct spawn_request *request, struct err *err)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (!request->input) {
		fd = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
		return fd < 0 ? err_errno(err, errno, "open /dev/null") : fd_take(&fd);
	}
	fd = compat_result(COMPAT_MEMFD_CREATE, memfd_create("input", MFD_CLOEXEC));
	if (fd == -ENOSYS) {
		r = input_pipe(request);
		return r < 0 ? err_errno(err, -r, "prepare the input of %s", request->path) : r;
	}
	if (fd < 0)
		return err_errno(err, -fd, "prepare the input of %s", request->path);
	r = io_write_all(fd, request->input, request->input_len);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, r < 0 ? -r : errno, "prepare the input of %s", request->path);
	return fd_take(&fd);
}

static void child(const struct spawn_request *request, pid_t parent, int input, int words,
		  int failure)
{
	struct err err;
	int error;

	(void)setpgid(0, 0);
	program_reset_signals(~0ULL);
	if (privs_die_with_parent(parent, &err) == 0 && dup2(input, 0) >= 0 &&
	    dup2(request->output_fd >= 0 ? request->output_fd : words, 1) >= 0 &&
	    dup2(request->error_fd >= 0 ? request->error_fd : words, 2) >= 0 &&
	    (request->cwd_fd < 0 || fchdir(request->cwd_fd) == 0)) {
		program_close_others(3, &failure, 1);
		(void)execve(request->path, (char *const *)(uintptr_t)request->argv,
			     (char *const *)(uintptr_t)request->env);
	}
	error = errno;
	(void)io_write_all(failure, &error, sizeof(error));
	child_exit(127);
}

/* Keeps the last part of the output. false at end of file. */
static bool read_words(int fd, struct spawn_result *result)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));
	size_t have = strlen(result->words), room = sizeof(result->words) - 1, drop, len;
	const char *from = buf;

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	len = (size_t)n;
	if (len > room) {
		from += len - room;
		len = room;
	}
	drop = have + len > room ? have + len - room : 0;
	memmove(result->words, result->words + drop, have - drop);
	memcpy(result->words + have - drop, from, len);
	result->words[have - drop + len] = '\0';
	return true;
}

/* Reads what is left in the pipe after the program has ended, up to a limit: a grandchild may go on
 * writing. */
static void read_rest(struct pollfd *words, struct spawn_result *result)
{
	for (int i = 0; i < LAST_READS && poll(words, 1, 0) > 0 && (words->revents & POLLIN); i++)
		(void)read_words(words->fd, result);
}

static void pass_on(struct signals *signals, const struct child *program)
{
	int signal = signals_read(signals);

	if (signal)
		child_signal_group(program, signal);
	signals->ended_by = 0;
}

static void end(struct child *program, long long *deadline)
{
	child_signal_group(program, SIGKILL);
	*deadline = clock_now() + DEATH_TIMEOUT_MS;
}

/* Watches until the program ends. A grandchild that keeps the pipe open does not delay us. */
static void watch(const struct spawn_request *request, struct child *program, int words,
		  struct spawn_result *result)
{
	struct pollfd fds[3] = {
		{ .fd = program->pidfd, .events = POLLIN },
		{ .fd = words, .events = POLLIN },
		{ .fd = request->signals ? request->signals->fd : -1, .events = POLLIN },
	};
	long long deadline = clock_now() + request->timeout_ms;
	bool limited = request->timeout_ms > 0, ended = false;

	while (!ended) {
		bool ending = result->timed_out || (request->signals && request->signals->ended_by);
		int left = limited || ending ? clock_left(deadline) : -1, n = poll(fds, 3, left);

		ended = n > 0 && fds[0].revents;
		/* Checked by the clock: poll() never times out on a program that never stops
		 * writing. */
		if (left == 0 && !ended && ending)
			break;
		if (left == 0 && !ended) {
			result->timed_out = true;
			end(program, &deadline);
		}
		if (n > 0 && fds[2].revents && request->passes_on)
			pass_on(request->signals, program);
		else if (n > 0 && fds[2].revents && signals_read(request->signals) && !ending)
			end(program, &deadline);
		if (n > 0 && fds[1].revents && !read_words(words, result))
			fds[1].fd = -1;
	}
	read_rest(&fds[1], result);
	/* A tracer (strace -f) may hold for a while what has ended; else, who knows what does. */
	if (child_reap(program, ended ? DEATH_TIMEOUT_MS : 0, &result->status) < 0)
		result->status = SIGKILL;
}

/* A space reads better in an error than the "?" that would replace a control character. */
static void put_on_one_line(char *words)
{
	char *to = words;

	for (const char *from = words; *from; from++)
		if (!isspace((unsigned char)*from))
			*to++ = *from;
		else if (to > words && to[-1] != ' ')
			*to++ = ' ';
	if (to > words && to[-1] == ' ')
		to--;
	*to = '\0';
}

int spawn_run(const struct spawn_request *request, struct spawn_result *ret, struct err *err)
{
	_cleanup_close_ int input = input_file(request, err);
	struct clone_request how = { .cgroup_fd = -1 };
	struct child program = CHILD_NONE;
	int words[2], failure[2], error = 0;
	pid_t self = getpid(), pid;

	*ret = (struct spawn_result){ 0 };
	if (input < 0)
		return input;
	if (pipe2(words, O_CLOEXEC) < 0)
		return err_errno(err, errno, "start %s", request->path);
	if (pipe2(failure, O_CLOEXEC | O_NONBLOCK) < 0) {
		fd_closep(&words[0]);
		fd_closep(&words[1]);
		return err_errno(err, errno, "start %s", request->path);
	}
	pid = child_clone(&how, &program);
	if (pid == 0)
		child(request, self, input, words[1], failure[1]);
	fd_closep(&words[1]);
	fd_closep(&failure[1]);
	if (pid > 0)
		watch(request, &program, words[0], ret);
	put_on_one_line(ret->words);
	/* Read only now: the exec itself can hang if the program is on a file system that does not
	 * respond. */
	if (pid > 0 && read(failure[0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	fd_closep(&words[0]);
	fd_closep(&failure[0]);
	if (pid < 0 || error)
		return err_errno(err, pid < 0 ? (int)-pid : error, "start %s", request->path);
	return 0;
}
