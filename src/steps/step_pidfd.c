/* SPDX-License-Identifier: Apache-2.0 */
/* A pidfd of the process for whoever wants to watch it without a pid that could be another's. */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/sys/sock.h"

#include <string.h>

/* The receiver closes the stream; it may close at once. */
static int send_to(const char *path, const char *payload, int pidfd, struct err *err)
{
	_cleanup_close_ int sock = sock_connect(path, 0);
	int r = sock < 0 ? sock : sock_send(sock, payload, strlen(payload), pidfd);

	return r < 0 ? err_errno(err, -r, "send a pidfd to the socket %s", path) : 0;
}

int step_pidfd_send(struct run *run, struct err *err)
{
	const char *asked = run->plan->options->pidfd_socket, *wished = run->plan->pidfd_receiver;
	const char *payload = run->target_pidfd >= 0 ? "setns" : "standard";
	int r = 0;

	if (asked)
		r = send_to(asked, payload, run->init.pidfd, err);
	if (r < 0)
		return err_prefix(err, "--pidfd-socket");
	if (wished)
		r = send_to(wished, payload, run->init.pidfd, err);
	return r < 0 ? err_prefix(err, ERR_AT "annotations[\"run.oci.pidfd_receiver\"]") : 0;
}
