/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loopback.h"

#include "src/base/fd.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int loopback_up(struct err *err)
{
	_cleanup_close_ int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (sock < 0) /* without IPv4 in the kernel, use another family for the same ioctl */
		sock = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		return err_errno(err, errno, "bring up the loopback device");
	return 0;
}
