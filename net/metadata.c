/* SPDX-License-Identifier: Apache-2.0 */
#include "net/metadata.h"

#include "net/rtnl.h"
#include "src/base/fd.h"

#include <sys/socket.h>

int metadata_close(struct err *err)
{
	static const unsigned char v4[4] = { 169, 254 }, v6[16] = { 0xfd, 0, 0x0e, 0xc2 };
	_cleanup_close_ int sock = rtnl_open(err);
	struct rtnl_message route;
	int r = sock < 0 ? sock : rtnl_message_refuse(&route, AF_INET, v4, 16);

	if (sock < 0)
		return sock;
	if (r == 0)
		r = rtnl_call(sock, &route, NULL);
	if (r < 0)
		return err_errno(err, -r, "block 169.254.0.0/16");
	r = rtnl_message_refuse(&route, AF_INET6, v6, 32);
	if (r == 0)
		r = rtnl_call(sock, &route, NULL);
	/* Without IPv6 nothing gets there. */
	return r == 0 || r == -EAFNOSUPPORT || r == -EOPNOTSUPP || r == -EACCES
		       ? 0
		       : err_errno(err, -r, "block fd00:ec2::/32");
}
