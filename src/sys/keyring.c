/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/keyring.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int keyring_join_new(const char *name)
{
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) < 0 ? -errno : 0;
}
