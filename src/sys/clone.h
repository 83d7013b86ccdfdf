/* SPDX-License-Identifier: Apache-2.0 */
/* New processes by clone3(2), or by clone(2) where that is missing. */
#pragma once

#include "src/base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct clone_request {
	uint64_t flags; /* CLONE_NEW*, CLONE_PARENT */
	int cgroup_fd;  /* >= 0: the child starts in this v2 cgroup */
};

/* Forks as asked; the child starts with default signal handlers, and with a pidfd of it in *ret_pidfd
 * (may be NULL; in the caller only). Returns the pid, 0 in the child, or -errno (no text: the caller
 * knows what it asked for). -ENOSYS: clone(2) has to do, which knows no cgroup_fd and no time namespaces. */
pid_t clone_process(const struct clone_request *request, int *ret_pidfd);
