/* SPDX-License-Identifier: Apache-2.0 */
/* A user namespace that is there for its maps alone: the kernel takes the mapping of a mount as one. */
#pragma once

#include "userns/idmap_write.h"

/* Makes a user namespace with these maps. Returns a descriptor of it; the process that had it made is gone
 * by then, and would have ended with us. */
int idmap_fd_open(const struct idmap_write *write, struct err *err) MUST_CHECK;
