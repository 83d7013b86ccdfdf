/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/filter_listen.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

int filter_listen(const void *insns, unsigned short n, unsigned int flags)
{
	struct sock_fprog program = {
		.len = n,
		.filter = (struct sock_filter *)(uintptr_t)insns,
	};
	int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

	return fd < 0 ? -errno : fd;
}
