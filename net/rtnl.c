/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rtnl.h"

#include "src/base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* A link with many attributes needs more than a page. */
enum { ANSWER_MAX = 32 << 10 };

int rtnl_open(struct err *err)
{
	const struct sockaddr_nl anybody = { .nl_family = AF_NETLINK };
	_cleanup_close_ int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (sock < 0 || bind(sock, (const struct sockaddr *)&anybody, sizeof(anybody)) < 0)
		return err_errno(err, errno, "open a netlink socket");
	return fd_take(&sock);
}

static int send_request(int sock, const struct rtnl_message *request)
{
	ssize_t n;

	do
		n = send(sock, request, request->header.nlmsg_len, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static ssize_t receive(int sock, char *answer)
{
	ssize_t n;

	do
		n = recv(sock, answer, ANSWER_MAX, MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n > ANSWER_MAX ? -EMSGSIZE : n;
}

static int error_of(const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);

	return h->nlmsg_len >= NLMSG_LENGTH(sizeof(*e)) && e->error <= 0 ? e->error : -EPROTO;
}

int rtnl_call(int sock, const struct rtnl_message *request, struct rtnl_message *ret)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_MAX];
	const struct nlmsghdr *h = (const struct nlmsghdr *)answer;
	int r = send_request(sock, request);
	ssize_t n = r < 0 ? r : receive(sock, answer);

	if (n < 0)
		return (int)n;
	if (!NLMSG_OK(h, n))
		return -EPROTO;
	if (h->nlmsg_type == NLMSG_ERROR)
		return error_of(h);
	if (ret) {
		size_t len = h->nlmsg_len < sizeof(*ret) ? h->nlmsg_len : sizeof(*ret);

		*ret = (struct rtnl_message){ 0 };
		memcpy(ret->space, answer, len);
		ret->header.nlmsg_len = (__u32)len;
	}
	return 0;
}

int rtnl_dump(int sock, const struct rtnl_message *request,
	      int (*each)(void *data, const struct nlmsghdr *h), void *data)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_MAX];
	int r = send_request(sock, request), failed = 0;

	while (r == 0) {
		ssize_t n = receive(sock, answer);

		if (n < 0)
			return (int)n;
		for (const struct nlmsghdr *h = (const struct nlmsghdr *)answer; NLMSG_OK(h, n);
		     h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return failed;
			if (h->nlmsg_type == NLMSG_ERROR)
				return error_of(h);
			if (failed == 0) /* read the rest, or the next call would receive it */
				failed = each(data, h);
		}
	}
	return r;
}
