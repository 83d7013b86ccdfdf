/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Like filter_install(), for flags with SECCOMP_FILTER_FLAG_NEW_LISTENER: returns the listener's
 * descriptor (close-on-exec), or -errno. */
int filter_listen(const void *insns, unsigned short n, unsigned int flags);
