/* SPDX-License-Identifier: Apache-2.0 */
#include "net/metadata.h"

#include "net/net_plan.h"
#include "net/rtnl.h"

#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* An unreachable route would not do: with SO_BINDTODEVICE, which any program may use, IPv4 treats a
 * destination without a route as an on-link neighbour, and IPv6 skips routes of other devices. A
 * local route on the device itself matches in both cases. */
static const struct rtnl_network networks[] = {
	{ "169.254.0.0/16", AF_INET, 16, { 169, 254 } },
	{ "fd00:ec2::/32", AF_INET6, 32, { 0xfd, 0, 0x0e, 0xc2 } },
	{ "fd20:ce::254", AF_INET6, 128, { 0xfd, 0x20, 0, 0xce, [14] = 2, 0x54 } },
	{ "fe80::a9fe:a9fe", AF_INET6, 128, { 0xfe, 0x80, [12] = 0xa9, 0xfe, 0xa9, 0xfe } },
};

int metadata_close(int sock, struct err *err)
{
	struct ifreq request = { .ifr_name = NET_DEVICE };
	int r = 0;

	if (ioctl(sock, SIOCGIFINDEX, &request) < 0)
		return err_errno(err, errno, "find the device " NET_DEVICE " of the container");
	for (size_t i = 0; r == 0 && i < sizeof(networks) / sizeof(networks[0]); i++) {
		struct rtnl_message route;

		r = rtnl_message_keep_inside(&route, &networks[i], request.ifr_ifindex);
		if (r == 0)
			r = rtnl_call(sock, &route, NULL);
		/* Without IPv6 these are unreachable anyway. */
		if (networks[i].family == AF_INET6 &&
		    (r == -EAFNOSUPPORT || r == -EOPNOTSUPP || r == -EACCES))
			return 0;
		if (r < 0)
			return err_errno(err, -r, "block %s", networks[i].text);
	}
	return 0;
}
