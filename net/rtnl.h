/* SPDX-License-Identifier: Apache-2.0 */
/* A socket of rtnetlink(7), for one request at a time. */
#pragma once

#include "net/rtnl_message.h"
#include "src/base/err.h"

int rtnl_open(struct err *err) MUST_CHECK;

/* Sends a request and waits for the answer: the kernel's acknowledgement, or the requested object,
 * which is copied to ret (if not NULL; attributes that do not fit are cut off). 0 or -errno. */
int rtnl_call(int sock, const struct rtnl_message *request, struct rtnl_message *ret) MUST_CHECK;

/* Sends a dump request and calls each() for every entry until it returns a negative value. */
int rtnl_dump(int sock, const struct rtnl_message *request,
	      int (*each)(void *data, const struct nlmsghdr *h), void *data) MUST_CHECK;
