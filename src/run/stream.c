/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/stream.h"

#include "src/base/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { HOW = O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

/* Another user's terminal (su(1)) cannot be opened by name, but /dev/tty can always be opened. */
static int open_controlling(int tty, int flags)
{
	_cleanup_close_ int fd = openat(AT_FDCWD, "/dev/tty", flags | HOW);
	unsigned int device, wanted;

	if (fd < 0 || ioctl(fd, TIOCGDEV, &device) < 0 || ioctl(tty, TIOCGDEV, &wanted) < 0 ||
	    device != wanted)
		return -1;
	return fd_take(&fd);
}

static int reopen(int fd, const struct stat *st, int flags)
{
	int again;

	/* Opening /dev/ptmx creates a new terminal. */
	if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(5, 2))
		return -1;
	again = openat(AT_FDCWD, fd_path(fd).text, flags | HOW);
	return again < 0 && S_ISCHR(st->st_mode) ? open_controlling(fd, flags) : again;
}

struct stream stream_open(int fd, int flags)
{
	struct stream stream = { .fd = fd, .kind = STREAM_PLAIN };
	struct stat st;
	int again;

	if (fstat(fd, &st) < 0)
		return stream;
	if (S_ISSOCK(st.st_mode))
		stream.kind = STREAM_SOCKET;
	if (!S_ISFIFO(st.st_mode) && !isatty(fd))
		return stream;
	again = reopen(fd, &st, flags);
	if (again < 0)
		stream.kind = STREAM_POLLED;
	else
		stream = (struct stream){ .fd = again, .kind = STREAM_REOPENED };
	return stream;
}

void stream_close(struct stream *stream)
{
	if (stream->kind == STREAM_REOPENED)
		fd_closep(&stream->fd);
	stream->fd = -1;
}

static bool is_ready(const struct stream *stream, short events)
{
	struct pollfd fd = { .fd = stream->fd, .events = events };

	return stream->kind != STREAM_POLLED || poll(&fd, 1, 0) > 0;
}

static ssize_t result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

ssize_t stream_read(const struct stream *stream, void *data, size_t size)
{
	if (!is_ready(stream, POLLIN))
		return -EAGAIN;
	if (stream->kind == STREAM_SOCKET)
		return result(recv(stream->fd, data, size, MSG_DONTWAIT));
	return result(read(stream->fd, data, size));
}

ssize_t stream_write(const struct stream *stream, const void *data, size_t size)
{
	if (!is_ready(stream, POLLOUT))
		return -EAGAIN;
	if (stream->kind == STREAM_SOCKET)
		return result(send(stream->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL));
	/* A writable pipe has room for PIPE_BUF bytes, a terminal perhaps for only one. */
	if (stream->kind == STREAM_POLLED && size > 1)
		size = isatty(stream->fd) ? 1 : size < PIPE_BUF ? size : PIPE_BUF;
	return result(write(stream->fd, data, size));
}
