/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink messages without a socket. */
#include "net/rtnl_message.h"
#include "tests/lib/check.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* As the kernel lists an address. */
static void listed(struct rtnl_message *ret, int index, int scope, uint32_t flags)
{
	struct ifaddrmsg *address = NLMSG_DATA(&ret->header);
	struct in_addr ip;
	struct ifa_cacheinfo times = { .ifa_valid = 1 };

	rtnl_message_addresses(ret);
	ret->header.nlmsg_type = RTM_NEWADDR;
	address->ifa_family = AF_INET;
	address->ifa_prefixlen = 24;
	address->ifa_scope = (unsigned char)scope;
	address->ifa_flags = (unsigned char)flags;
	address->ifa_index = (uint32_t)index;
	CHECK_INT(inet_pton(AF_INET, "192.0.2.7", &ip), 1);
	CHECK_INT(rtnl_message_add(ret, IFA_LOCAL, &ip, sizeof(ip)), 0);
	CHECK_INT(rtnl_message_add(ret, IFA_LABEL, "eth7", 5), 0);
	CHECK_INT(rtnl_message_add(ret, IFA_FLAGS, &flags, sizeof(flags)), 0);
	CHECK_INT(rtnl_message_add(ret, IFA_CACHEINFO, &times, sizeof(times)), 0);
}

TEST(a_link_is_found_by_name_and_brought_up_by_index)
{
	struct rtnl_message m;
	const struct ifinfomsg *link = NLMSG_DATA(&m.header);

	rtnl_message_link(&m, RTM_GETLINK, 0);
	CHECK_INT(rtnl_message_add(&m, IFLA_IFNAME, "eth7", 5), 0);
	CHECK_INT(m.header.nlmsg_len, 32 + 4 + 5);
	CHECK_INT(m.header.nlmsg_flags, NLM_F_REQUEST);
	rtnl_message_link(&m, RTM_NEWLINK, 9);
	CHECK_INT(rtnl_message_link_index(&m.header), 9);
	CHECK(!rtnl_message_link_is_up(&m.header));
	rtnl_message_up(&m);
	CHECK(rtnl_message_link_is_up(&m.header));
	CHECK_INT(link->ifi_change, IFF_UP);
	CHECK(m.header.nlmsg_flags & NLM_F_ACK);
}

TEST(what_does_not_fit_is_refused)
{
	char data[RTNL_MESSAGE_MAX] = { 0 };
	struct rtnl_message m;

	rtnl_message_link(&m, RTM_NEWLINK, 1);
	CHECK_INT(rtnl_message_add(&m, 1, data, RTNL_MESSAGE_MAX - 32 - 3), -EMSGSIZE);
	CHECK_INT(m.header.nlmsg_len, 32);
	CHECK_INT(rtnl_message_add(&m, 1, data, RTNL_MESSAGE_MAX - 32 - 4), 0);
	CHECK_INT(rtnl_message_add(&m, 1, data, 0), -EMSGSIZE);
	CHECK_INT(rtnl_message_add(&m, 1, data, SIZE_MAX), -EMSGSIZE);
}

TEST(permanent_global_addresses_of_the_link_are_kept)
{
	struct rtnl_message m;

	listed(&m, 3, RT_SCOPE_UNIVERSE, IFA_F_PERMANENT);
	CHECK(rtnl_message_is_kept(&m.header, 3));
	CHECK(!rtnl_message_is_kept(&m.header, 4));
	listed(&m, 3, RT_SCOPE_LINK, IFA_F_PERMANENT);
	CHECK(!rtnl_message_is_kept(&m.header, 3));
	listed(&m, 3, RT_SCOPE_UNIVERSE, IFA_F_SECONDARY);
	CHECK(!rtnl_message_is_kept(&m.header, 3));
	m.header.nlmsg_type = RTM_NEWLINK;
	CHECK(!rtnl_message_is_kept(&m.header, 3));
}

TEST(an_address_is_given_again)
{
	struct rtnl_message m, give;
	const struct ifaddrmsg *address = NLMSG_DATA(&give.header);
	size_t len;
	int seen = 0;

	listed(&m, 3, RT_SCOPE_UNIVERSE, IFA_F_PERMANENT | IFA_F_NOPREFIXROUTE | IFA_F_DADFAILED);
	CHECK_INT(rtnl_message_give(&give, &m.header), 0);
	rtnl_message_set_index(&give, 77);
	CHECK_INT(give.header.nlmsg_type, RTM_NEWADDR);
	CHECK(give.header.nlmsg_flags & NLM_F_CREATE);
	CHECK_INT(address->ifa_index, 77);
	CHECK_INT(address->ifa_prefixlen, 24);
	len = give.header.nlmsg_len - NLMSG_LENGTH(sizeof(*address));
	for (const struct rtattr *a = IFA_RTA(address); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		uint32_t flags = 0;

		CHECK(a->rta_type == IFA_LOCAL || a->rta_type == IFA_FLAGS);
		if (a->rta_type == IFA_FLAGS) {
			memcpy(&flags, RTA_DATA(a), sizeof(flags));
			CHECK_INT(flags, IFA_F_NOPREFIXROUTE);
		}
		seen++;
	}
	CHECK_INT(seen, 2);
}

/* The padding behind the last attribute is not counted, and what stands behind it is none. */
TEST(a_message_ends_without_padding)
{
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg address;
		struct rtattr odd;
		char value, padding[3];
		struct rtattr behind;
		uint32_t flags;
	} m = {
		.header = { .nlmsg_type = RTM_NEWADDR },
		.address = { .ifa_index = 3, .ifa_scope = RT_SCOPE_UNIVERSE },
		.odd = { RTA_LENGTH(1), IFA_LABEL },
		.behind = { RTA_LENGTH(4), IFA_FLAGS },
		.flags = IFA_F_PERMANENT,
	};

	m.header.nlmsg_len = offsetof(typeof(m), padding);
	CHECK(!rtnl_message_is_kept(&m.header, 3));
	m.header.nlmsg_len = sizeof(m);
	CHECK(rtnl_message_is_kept(&m.header, 3));
}

TEST(a_network_is_kept_inside)
{
	const struct rtnl_network v4 = { "x", AF_INET, 16, { 169, 254 } },
				  v6 = { "y", AF_INET6, 32, { 0xfd } };
	struct rtnl_message m;
	const struct rtmsg *route = NLMSG_DATA(&m.header);
	const int index = 7;

	CHECK_INT(rtnl_message_keep_inside(&m, &v4, index), 0);
	CHECK_INT(m.header.nlmsg_type, RTM_NEWROUTE);
	CHECK_INT(m.header.nlmsg_len, 16 + sizeof(*route) + 8 + 8);
	CHECK_INT(route->rtm_type, RTN_LOCAL);
	CHECK_INT(route->rtm_dst_len, 16);
	CHECK(memcmp(m.space + 16 + sizeof(*route) + 4, v4.address, 4) == 0);
	CHECK(memcmp(m.space + 16 + sizeof(*route) + 8 + 4, &index, sizeof(index)) == 0);
	CHECK_INT(rtnl_message_keep_inside(&m, &v6, index), 0);
	CHECK_INT(m.header.nlmsg_len, 16 + sizeof(*route) + 20 + 8);
}
