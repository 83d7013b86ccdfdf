/* SPDX-License-Identifier: Apache-2.0 */
/* The socket that stands for the service manager's in the container. */
#include "src/steps/steps.h"

#include "src/sys/sock.h"

#include <sys/stat.h>

/* The container gets the socket and not a directory that it is in: with the right to mount, its root can make any
 * mount writable, and would leave files where only we may. */
int step_notify_listen(struct run *run, struct err *err)
{
	const char *path = run->plan->options->notify_path;

	if (!run->plan->notify)
		return 0;
	run->notify_listener = sock_listen_datagram_at(run->state_dir, "notify");
	if (run->notify_listener < 0)
		return err_errno(err, -run->notify_listener, "NOTIFY_SOCKET: make the socket %s",
				 path);
	/* Whatever uid the program has, also in a user namespace; only the container sees it. */
	if (fchmodat(run->state_dir, "notify", 0666, 0) < 0)
		return err_errno(err, errno, "NOTIFY_SOCKET: open the socket for the container");
	return 0;
}
