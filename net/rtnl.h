/* SPDX-License-Identifier: Apache-2.0 */
/* A socket of rtnetlink(7), for one request at a time. */
#pragma once

#include "net/rtnl_message.h"
#include "src/base/err.h"

int rtnl_open(struct err *err) MUST_CHECK;

/* Sends a request and waits for its answer: the kernel's acknowledgement, or the object that was
 * asked for (ret, when that is wanted; cut off behind its first attributes). 0 or -errno. */
int rtnl_call(int sock, const struct rtnl_message *request, struct rtnl_message *ret) MUST_CHECK;

/* Sends a request for a list; each entry is handed on, until one call returns less than 0. */
int rtnl_dump(int sock, const struct rtnl_message *request,
	      int (*each)(void *data, const struct nlmsghdr *h), void *data) MUST_CHECK;
