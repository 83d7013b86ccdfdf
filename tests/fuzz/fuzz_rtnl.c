/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what a netlink socket answers, to a request and as a list. What must hold besides "no
 * crash": what is made of it fits into a message, and an error is one of the kernel's. */
#include "net/rtnl.h"
#include "src/base/fd.h"
#include "tests/fuzz/expect.h"

#include <stdlib.h>
#include <sys/socket.h>

enum { SENT_MAX = 32 << 10 };

static int look_at(void *data, const struct nlmsghdr *h)
{
	struct rtnl_message given;

	(void)data;
	(void)rtnl_message_link_is_up(h);
	if (rtnl_message_is_kept(h, rtnl_message_link_index(h)) || rtnl_message_is_kept(h, 1)) {
		int r = rtnl_message_give(&given, h);

		expect(r == 0 || r == -EMSGSIZE);
		expect(given.header.nlmsg_len <= sizeof(given));
	}
	return 0;
}

/* A socket that has the answer already, and the end of a list behind it. */
static int answering(const uint8_t *data, size_t size, int *ret_other)
{
	const struct nlmsghdr done = { .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = NLMSG_DONE };
	int pair[2];

	expect(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	if (size)
		expect(send(pair[1], data, size < SENT_MAX ? size : SENT_MAX, 0) > 0);
	expect(send(pair[1], &done, sizeof(done), 0) > 0);
	*ret_other = pair[1];
	return pair[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtnl_message request, answer = { 0 };
	int other, sock = answering(data, size, &other), r;

	rtnl_message_link(&request, RTM_GETLINK, 1);
	r = rtnl_call(sock, &request, &answer);
	expect(r <= 0);
	if (r == 0)
		(void)look_at(NULL, &answer.header);
	fd_closep(&sock);
	fd_closep(&other);
	sock = answering(data, size, &other);
	rtnl_message_addresses(&request);
	expect(rtnl_dump(sock, &request, look_at, NULL) <= 0);
	fd_closep(&sock);
	fd_closep(&other);
	return 0;
}
