/* SPDX-License-Identifier: Apache-2.0 */
/* Builds and searches rtnetlink(7) messages, and turns addresses into requests. Pure. */
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>

enum { RTNL_MESSAGE_MAX = 512 };

struct rtnl_message {
	union {
		struct nlmsghdr header;
		char space[RTNL_MESSAGE_MAX];
	};
};

/* Requests for a link (index 0: by the name attribute) and for all addresses. */
void rtnl_message_link(struct rtnl_message *ret, int type, int index);
void rtnl_message_addresses(struct rtnl_message *ret);

/* Sets IFF_UP in a link request. */
void rtnl_message_up(struct rtnl_message *m);

/* Appends an attribute. Returns -EMSGSIZE if it does not fit. */
int rtnl_message_add(struct rtnl_message *m, int type, const void *data, size_t len);

/* Index and IFF_UP of a link described by the kernel. */
int rtnl_message_link_index(const struct nlmsghdr *h);
bool rtnl_message_link_is_up(const struct nlmsghdr *h);

/* Whether this is a permanent, global address of the link: one that a moved device keeps. */
bool rtnl_message_is_kept(const struct nlmsghdr *h, int index);

/* Builds the request that restores such an address, without its label. -EMSGSIZE if it does not
 * fit. */
int rtnl_message_give(struct rtnl_message *ret, const struct nlmsghdr *h);

struct rtnl_network {
	char text[20];
	int family, prefix;
	unsigned char address[16];
};

/* Builds the request for a local route, which keeps traffic to a network that would otherwise leave
 * by the link in the namespace. */
int rtnl_message_keep_inside(struct rtnl_message *ret, const struct rtnl_network *network,
			     int index);

/* Sets the link that the request applies to. */
void rtnl_message_set_index(struct rtnl_message *m, int index);
