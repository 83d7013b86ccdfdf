/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rtnl_message.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <string.h>

static void begin(struct rtnl_message *ret, int type, int flags, size_t body)
{
	*ret = (struct rtnl_message){ 0 };
	ret->header.nlmsg_type = (__u16)type;
	ret->header.nlmsg_flags = (__u16)(NLM_F_REQUEST | flags);
	ret->header.nlmsg_len = (__u32)NLMSG_LENGTH(body);
}

void rtnl_message_link(struct rtnl_message *ret, int type, int index)
{
	struct ifinfomsg *link;

	begin(ret, type, type == RTM_GETLINK ? 0 : NLM_F_ACK, sizeof(*link));
	link = NLMSG_DATA(&ret->header);
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = index;
}

void rtnl_message_addresses(struct rtnl_message *ret)
{
	begin(ret, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
}

void rtnl_message_up(struct rtnl_message *m)
{
	struct ifinfomsg *link = NLMSG_DATA(&m->header);

	link->ifi_flags |= IFF_UP;
	link->ifi_change |= IFF_UP;
}

int rtnl_message_add(struct rtnl_message *m, int type, const void *data, size_t len)
{
	size_t at = NLMSG_ALIGN(m->header.nlmsg_len);
	struct rtattr attr = { .rta_type = (unsigned short)type,
			       .rta_len = (unsigned short)RTA_LENGTH(len) };

	if (len > RTNL_MESSAGE_MAX || at + RTA_SPACE(len) > sizeof(m->space))
		return -EMSGSIZE;
	memcpy(&m->space[at], &attr, sizeof(attr));
	memcpy(&m->space[at + RTA_LENGTH(0)], data, len);
	m->header.nlmsg_len = (__u32)(at + RTA_LENGTH(len));
	return 0;
}

static bool holds(const struct nlmsghdr *h, int type, size_t body)
{
	return h->nlmsg_type == type && h->nlmsg_len >= NLMSG_LENGTH(body);
}

int rtnl_message_link_index(const struct nlmsghdr *h)
{
	const struct ifinfomsg *link = NLMSG_DATA(h);

	return holds(h, RTM_NEWLINK, sizeof(*link)) ? link->ifi_index : 0;
}

bool rtnl_message_link_is_up(const struct nlmsghdr *h)
{
	const struct ifinfomsg *link = NLMSG_DATA(h);

	return holds(h, RTM_NEWLINK, sizeof(*link)) && (link->ifi_flags & IFF_UP);
}

/* Signed, because RTA_NEXT() also subtracts the padding, which the last attribute may lack. */
static const struct rtattr *first_attr(const struct nlmsghdr *h, int *ret_len)
{
	*ret_len = (int)(h->nlmsg_len - NLMSG_LENGTH(sizeof(struct ifaddrmsg)));
	return IFA_RTA((const struct ifaddrmsg *)NLMSG_DATA(h));
}

/* All flags if the IFA_FLAGS attribute is present, otherwise the eight bits in the header. */
static __u32 flags_of(const struct nlmsghdr *h)
{
	const struct ifaddrmsg *address = NLMSG_DATA(h);
	__u32 flags = address->ifa_flags;
	int len;

	for (const struct rtattr *a = first_attr(h, &len); RTA_OK(a, len); a = RTA_NEXT(a, len))
		if (a->rta_type == IFA_FLAGS && RTA_PAYLOAD(a) == sizeof(flags))
			memcpy(&flags, RTA_DATA(a), sizeof(flags));
	return flags;
}

bool rtnl_message_is_kept(const struct nlmsghdr *h, int index)
{
	const struct ifaddrmsg *address = NLMSG_DATA(h);

	return holds(h, RTM_NEWADDR, sizeof(*address)) && (int)address->ifa_index == index &&
	       address->ifa_scope == RT_SCOPE_UNIVERSE && (flags_of(h) & IFA_F_PERMANENT);
}

/* Attributes that the kernel reports but does not accept in a request, and the label. */
static bool is_left_out(unsigned short type)
{
	return type == IFA_FLAGS || type == IFA_CACHEINFO || type == IFA_LABEL ||
	       type == IFA_TARGET_NETNSID;
}

int rtnl_message_give(struct rtnl_message *ret, const struct nlmsghdr *h)
{
	__u32 flags = flags_of(h) &
		      (IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN);
	struct ifaddrmsg *to;
	int len, r;

	begin(ret, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, sizeof(*to));
	to = NLMSG_DATA(&ret->header);
	*to = *(const struct ifaddrmsg *)NLMSG_DATA(h);
	to->ifa_flags = 0;
	r = rtnl_message_add(ret, IFA_FLAGS, &flags, sizeof(flags));
	for (const struct rtattr *a = first_attr(h, &len); r == 0 && RTA_OK(a, len);
	     a = RTA_NEXT(a, len))
		if (!is_left_out(a->rta_type))
			r = rtnl_message_add(ret, a->rta_type, RTA_DATA(a), RTA_PAYLOAD(a));
	return r;
}

int rtnl_message_keep_inside(struct rtnl_message *ret, const struct rtnl_network *network,
			     int index)
{
	struct rtmsg *route;
	int r;

	begin(ret, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, sizeof(*route));
	route = NLMSG_DATA(&ret->header);
	*route = (struct rtmsg){ .rtm_family = (unsigned char)network->family,
				 .rtm_dst_len = (unsigned char)network->prefix,
				 .rtm_table = RT_TABLE_LOCAL,
				 .rtm_protocol = RTPROT_STATIC,
				 .rtm_scope = RT_SCOPE_HOST,
				 .rtm_type = RTN_LOCAL };
	r = rtnl_message_add(ret, RTA_DST, network->address, network->family == AF_INET ? 4 : 16);
	return r < 0 ? r : rtnl_message_add(ret, RTA_OIF, &index, sizeof(index));
}

void rtnl_message_set_index(struct rtnl_message *m, int index)
{
	struct ifaddrmsg *address = NLMSG_DATA(&m->header);

	address->ifa_index = (__u32)index;
}
