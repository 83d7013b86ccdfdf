/* SPDX-License-Identifier: Apache-2.0 */
/* Standard streams that never block us. O_NONBLOCK is not set on them, because it is a flag of the
 * open file description, which other processes share. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

enum stream_kind {
	STREAM_PLAIN,    /* files and devices that never block */
	STREAM_SOCKET,   /* takes MSG_DONTWAIT on each call */
	STREAM_REOPENED, /* the same pipe or terminal, opened again with O_NONBLOCK */
	STREAM_POLLED,   /* could not be reopened: polled before each call */
};

struct stream {
	int fd;
	enum stream_kind kind;
};

/* flags: O_RDONLY or O_WRONLY. Cannot fail: the first read or write reports what is wrong with the
 * descriptor. */
struct stream stream_open(int fd, int flags);
void stream_close(struct stream *stream);

/* As read(2) and write(2); -errno, and -EAGAIN instead of blocking. */
ssize_t stream_read(const struct stream *stream, void *data, size_t size);
ssize_t stream_write(const struct stream *stream, const void *data, size_t size);
