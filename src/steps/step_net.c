/* SPDX-License-Identifier: Apache-2.0 */
/* The network namespace: lo, and devices that the container gets from the host. */
#include "src/steps/steps.h"

#include "net/devices.h"
#include "net/loopback.h"

#include <sys/socket.h>

int step_loopback(struct run *run, struct err *err)
{
	(void)run;
	return loopback_up(err);
}

/* Whoever holds a socket can name the namespace it was made in, with no pid that could be another's. */
int step_netns_show(struct run *run, struct err *err)
{
	run->netns_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (run->netns_socket < 0)
		return err_errno(err, errno, "make a socket in the container's network namespace");
	return 0;
}

int step_netdev_move(struct run *run, struct err *err)
{
	int r = devices_open(run->netns_socket, &run->net, err);

	for (size_t i = 0; r == 0 && i < run->plan->n_net_devices; i++) {
		r = devices_move(run->arena, &run->net, &run->plan->net_devices[i], err);
		if (r < 0)
			return err_prefix(err, ERR_AT "linux.netDevices[\"%s\"]",
					  run->plan->net_devices[i].from);
	}
	return r;
}
