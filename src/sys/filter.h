/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Installs a seccomp program of n instructions (struct sock_filter) with SECCOMP_FILTER_FLAG_* flags.
 * 0 or -errno. */
int filter_install(const void *insns, unsigned short n, unsigned int flags);
