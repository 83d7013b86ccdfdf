/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of rtnetlink(7): built, searched, and addresses turned into requests. Pure. */
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

/* Requests about a link (index 0: by the name attribute) and about all addresses. */
void rtnl_message_link(struct rtnl_message *ret, int type, int index);
void rtnl_message_addresses(struct rtnl_message *ret);

/* Sets IFF_UP of a link request. */
void rtnl_message_up(struct rtnl_message *m);

/* Appends an attribute. Returns -EMSGSIZE when it does not fit. */
int rtnl_message_add(struct rtnl_message *m, int type, const void *data, size_t len);

/* Index and IFF_UP of a link that the kernel described. */
int rtnl_message_link_index(const struct nlmsghdr *h);
bool rtnl_message_link_is_up(const struct nlmsghdr *h);

/* Whether this is a permanent address with global scope of the link: what a moved device keeps. */
bool rtnl_message_is_kept(const struct nlmsghdr *h, int index);

/* The request that restores such an address. The label is dropped if the name changes.
 * -EMSGSIZE. */
int rtnl_message_give(struct rtnl_message *ret, const struct nlmsghdr *h);

struct rtnl_network {
	const char *text;
	int family, prefix;
	unsigned char address[16];
};

/* The request for a route by which what goes to a network stays in the namespace, as if it were one
 * of its own, although it would leave by the link. */
int rtnl_message_keep_inside(struct rtnl_message *ret, const struct rtnl_network *network,
			     int index);

/* The link it is for. */
void rtnl_message_set_index(struct rtnl_message *m, int index);
