/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

int filter_install(const void *insns, unsigned short n, unsigned int flags)
{
	struct sock_fprog program = {
		.len = n,
		.filter = (struct sock_filter *)(uintptr_t)insns,
	};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) < 0 ? -errno : 0;
}
