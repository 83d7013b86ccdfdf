/* SPDX-License-Identifier: Apache-2.0 */
/* The socket that stands for the service manager's in the container. */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/sys/sock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int step_notify_listen(struct run *run, struct err *err)
{
	_cleanup_close_ int dir = -1;

	if (!run->plan->notify)
		return 0;
	if (mkdirat(run->state_dir, "notify", 0755) == 0)
		dir = openat(run->state_dir, "notify", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, errno, "NOTIFY_SOCKET: make %s",
				 run->plan->options->notify_dir);
	run->notify_listener = sock_listen_datagram_at(dir, "notify");
	if (run->notify_listener < 0)
		return err_errno(err, -run->notify_listener, "NOTIFY_SOCKET: make a socket in %s",
				 run->plan->options->notify_dir);
	/* Whatever uid the program has, also in a user namespace; only the container sees it. */
	if (fchmod(dir, 0755) < 0 || fchmodat(dir, "notify", 0666, 0) < 0)
		return err_errno(err, errno, "NOTIFY_SOCKET: open the socket for the container");
	return 0;
}
