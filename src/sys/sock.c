/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/sock.h"

#include "src/base/fd.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int sock_pair(int ret_fds[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0)
		return err_errno(err, errno, "create a socket pair");
	return 0;
}

/* A message with the buffers that it points to; must not be moved. */
struct datagram {
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov;
	struct mmsghdr msg;
};

static void fill(struct datagram *d, const void *data, size_t len, int fd)
{
	struct msghdr *msg = &d->msg.msg_hdr;
	struct cmsghdr *header;

	*d = (struct datagram){ .iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len } };
	msg->msg_iov = &d->iov;
	msg->msg_iovlen = 1;
	if (fd < 0)
		return;
	msg->msg_control = d->control;
	msg->msg_controllen = sizeof(d->control);
	header = CMSG_FIRSTHDR(msg);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
}

int sock_send(int sock, const void *data, size_t len, int fd)
{
	struct datagram d;
	ssize_t n;

	fill(&d, data, len, fd);
	do /* filters know this number; glibc's function is socketcall() on i386 and s390x */
		n = syscall(SYS_sendmsg, sock, &d.msg.msg_hdr, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int sock_send_mmsg(int sock, const void *data, size_t len, int fd)
{
	struct datagram d;
	long n;

	fill(&d, data, len, fd);
	do /* musl's function is a loop of sendmsg() */
		n = syscall(SYS_sendmmsg, sock, &d.msg, 1, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare" /* in musl's CMSG_NXTHDR() */
/* Keeps the first descriptor and closes the others: the padding leaves room for more than one. */
static void take_control(struct msghdr *msg, struct sock_mail *mail)
{
	mail->damaged = msg->msg_flags & (MSG_CTRUNC | MSG_TRUNC);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		const unsigned char *data = CMSG_DATA(c);
		size_t len = c->cmsg_len - CMSG_LEN(0);
		struct ucred sender;
		int fd;

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS && len == sizeof(sender)) {
			memcpy(&sender, data, sizeof(sender));
			mail->sender = sender.pid;
		}
		for (; c->cmsg_type == SCM_RIGHTS && len >= sizeof(fd);
		     len -= sizeof(fd), data += sizeof(fd)) {
			memcpy(&fd, data, sizeof(fd));
			if (mail->fd < 0) {
				mail->fd = fd;
				continue;
			}
			fd_closep(&fd);
			mail->damaged = true;
		}
	}
}
#pragma GCC diagnostic pop

ssize_t sock_recv_mail(int sock, void *data, size_t len, bool wait, struct sock_mail *ret)
{
	_Alignas(struct cmsghdr) char
		control[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	*ret = (struct sock_mail){ .fd = -1 };
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	take_control(&msg, ret);
	if (n == 0) /* an empty message would read as the end of the stream */
		fd_closep(&ret->fd);
	return n;
}

ssize_t sock_recv(int sock, void *data, size_t len, int *ret_fd)
{
	struct sock_mail mail;
	ssize_t n = sock_recv_mail(sock, data, len, true, &mail);

	*ret_fd = mail.fd;
	return n;
}

int sock_name_senders(int sock)
{
	int on = 1;

	return setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ? -errno : 0;
}

/* sun_path holds 108 bytes; the /proc link of a directory descriptor makes any place reachable. */
static int address_at(int dirfd, const char *name, struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (dirfd < 0)
		n = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", name);
	else
		n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dirfd,
			     name);
	return n < 0 || (size_t)n >= sizeof(ret->sun_path) ? -ENAMETOOLONG : 0;
}

/* Limits connect(2), which on a stream socket waits while too many connections are pending. */
static int limit_wait(int sock, int timeout_ms)
{
	const struct timeval left = { .tv_sec = timeout_ms / 1000,
				      .tv_usec = timeout_ms % 1000 * 1000L };

	return setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &left, sizeof(left)) < 0 ? -errno : 0;
}

static int connect_to(int type, int dirfd, const char *name, int timeout_ms)
{
	_cleanup_close_ int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	int r = address_at(dirfd, name, &address);

	if (r < 0)
		return r;
	if (sock < 0)
		return -errno;
	r = limit_wait(sock, timeout_ms);
	if (r < 0)
		return r;
	do
		r = connect(sock, (const struct sockaddr *)&address, sizeof(address));
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return fd_take(&sock);
}

int sock_connect(const char *path, int timeout_ms)
{
	_cleanup_close_ int dir = -1;
	char parent[4096];
	const char *slash = strrchr(path, '/');

	if (strlen(path) < sizeof(((struct sockaddr_un *)0)->sun_path) || !slash)
		return connect_to(SOCK_STREAM, -1, path, timeout_ms);
	if ((size_t)(slash - path) >= sizeof(parent))
		return -ENAMETOOLONG;
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	dir = openat(AT_FDCWD, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	return connect_to(SOCK_STREAM, dir, slash + 1, timeout_ms);
}

int sock_connect_at(int dirfd, const char *name)
{
	return connect_to(SOCK_SEQPACKET, dirfd, name, SOCK_PATIENCE_MS);
}

int sock_new(void)
{
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	return sock < 0 ? -errno : sock;
}

int sock_listen_at(int sock, int dirfd, const char *name)
{
	struct sockaddr_un address;
	int r = address_at(dirfd, name, &address);

	if (r < 0)
		return r;
	if (bind(sock, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(sock, 8) < 0)
		return -errno;
	return 0;
}

int sock_connect_datagram(const char *path)
{
	_cleanup_close_ int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	socklen_t len = sizeof(address);
	int r = address_at(-1, path, &address);

	if (r < 0)
		return r;
	if (*path == '@') {
		address.sun_path[0] = '\0';
		len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	}
	if (sock < 0 || connect(sock, (const struct sockaddr *)&address, len) < 0)
		return -errno;
	return fd_take(&sock);
}

int sock_listen_datagram_at(int dirfd, const char *name)
{
	_cleanup_close_ int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	int r = address_at(dirfd, name, &address);

	if (r < 0)
		return r;
	if (sock < 0 || bind(sock, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return fd_take(&sock);
}
