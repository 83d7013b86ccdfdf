/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets that carry descriptors. */
#pragma once

#include "src/base/err.h"

#include <stddef.h>
#include <sys/types.h>

/* A close-on-exec SEQPACKET pair. */
int sock_pair(int ret_fds[2], struct err *err) MUST_CHECK;

/* Sends a datagram with an optional descriptor (fd -1: none). 0 or -errno. */
int sock_send(int sock, const void *data, size_t len, int fd);
/* The same with sendmmsg(2), for callers that must not use sendmsg(2). */
int sock_send_mmsg(int sock, const void *data, size_t len, int fd);

struct sock_mail {
	int fd;       /* close-on-exec, or -1 */
	pid_t sender; /* if sock_name_senders() was called; 0: unknown, or not visible from here */
	bool damaged; /* truncated, or had several descriptors, of which only the first is kept */
};

/* Receives a message. wait: blocks until there is one, otherwise -EAGAIN. Returns its length, 0 at
 * the end or for an empty message (whose descriptors are dropped), or -errno. */
ssize_t sock_recv_mail(int sock, void *data, size_t len, bool wait, struct sock_mail *ret);

/* Waits for a message; *ret_fd is -1 if it has no descriptor, and the first one if it has
 * several. */
ssize_t sock_recv(int sock, void *data, size_t len, int *ret_fd);

/* From here on the kernel tells who sent a message. 0 or -errno. */
int sock_name_senders(int sock);

/* What a listener gets that is somebody else's, and may hang. */
enum { SOCK_PATIENCE_MS = 10000 };

/* Connects to a stream socket at a path of any length. >= 0 or -errno; -ETIMEDOUT: the listener
 * accepted no connection within timeout_ms, which also limits each send. */
int sock_connect(const char *path, int timeout_ms);

/* Connects to the SEQPACKET socket `name` in a directory; and creates the listening side, bound
 * later. */
int sock_connect_at(int dirfd, const char *name);
int sock_new(void);
int sock_listen_at(int sock, int dirfd, const char *name);

/* Datagram sockets that never block: connected to a path or, with a "@", an abstract name; and
 * bound to `name` in a directory. */
int sock_connect_datagram(const char *path);
int sock_listen_datagram_at(int dirfd, const char *name);
