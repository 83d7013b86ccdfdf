/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_ns.h"

#include "net/net_plan.h"
#include "src/base/fd.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

int net_ns_open(int member, int *ret_netns, int *ret_userns, struct err *err)
{
	_cleanup_close_ int netns = ioctl(member, SIOCGSKNS), userns = -1;
	struct stat own, theirs;

	if (netns < 0)
		return err_errno(err, errno, "open the container's network namespace");
	userns = ioctl(netns, NS_GET_USERNS);
	if (userns < 0 || fstat(userns, &theirs) < 0 || stat("/proc/self/ns/user", &own) < 0)
		return err_errno(err, errno, "find the owner of the network namespace");
	if (own.st_ino == theirs.st_ino && own.st_dev == theirs.st_dev)
		fd_closep(&userns);
	*ret_userns = fd_take(&userns);
	*ret_netns = fd_take(&netns);
	return 0;
}

int net_ns_create_device(void)
{
	struct ifreq request = { .ifr_name = NET_DEVICE, .ifr_flags = IFF_TAP | IFF_NO_PI };
	_cleanup_close_ int fd = openat(AT_FDCWD, "/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0 || ioctl(fd, TUNSETPERSIST, 1) < 0)
		return -errno;
	return 0;
}

void net_ns_take_down_device(int member)
{
	struct ifreq request = { .ifr_name = NET_DEVICE };

	(void)ioctl(member, SIOCSIFFLAGS, &request);
}

bool net_ns_has_device(int member)
{
	struct ifreq request = { .ifr_name = NET_DEVICE };

	return ioctl(member, SIOCGIFINDEX, &request) == 0;
}
