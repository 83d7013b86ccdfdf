/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_spare.h"

#include "src/base/str.h"

/* Between loading the filter and its first message, a process changes its ids and capabilities, is
 * cloned, opens files in /proc, and writes to sockets that it already has. It makes none of these
 * calls. */
static const char not_ours[][20] = {
	"accept",
	"accept4",
	"acct",
	"add_key",
	"bind",
	"bpf",
	"chmod",
	"chown",
	"chroot",
	"connect",
	"creat",
	"delete_module",
	"execve",
	"execveat",
	"fanotify_init",
	"fchmodat",
	"fchownat",
	"finit_module",
	"fsconfig",
	"fsmount",
	"fsopen",
	"fspick",
	"getpeername",
	"init_module",
	"io_uring_enter",
	"io_uring_register",
	"io_uring_setup",
	"kexec_file_load",
	"kexec_load",
	"keyctl",
	"lchown",
	"link",
	"linkat",
	"listen",
	"lsetxattr",
	"mkdir",
	"mkdirat",
	"mknod",
	"mknodat",
	"mount",
	"mount_setattr",
	"move_mount",
	"name_to_handle_at",
	"open_by_handle_at",
	"open_tree",
	"perf_event_open",
	"pivot_root",
	"process_vm_readv",
	"process_vm_writev",
	"ptrace",
	"quotactl",
	"reboot",
	"removexattr",
	"rename",
	"renameat",
	"renameat2",
	"request_key",
	"rmdir",
	"sched_setscheduler",
	"setdomainname",
	"sethostname",
	"setsockopt",
	"setxattr",
	"socket",
	"swapoff",
	"swapon",
	"symlink",
	"symlinkat",
	"sysinfo",
	"truncate",
	"umount",
	"umount2",
	"unlink",
	"unlinkat",
	"userfaultfd",
	"vhangup",
};

static bool is_not_ours(const char *name)
{
	for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++)
		if (str_equal(not_ours[i], name))
			return true;
	return false;
}

bool filter_spares_us(const struct oci_seccomp *seccomp)
{
	if (!seccomp || seccomp->default_action == OCI_SECCOMP_NOTIFY)
		return false;
	for (size_t i = 0; i < seccomp->syscalls.n; i++) {
		const struct oci_syscall *rule = &seccomp->syscalls.v[i];

		for (size_t k = 0; rule->action == OCI_SECCOMP_NOTIFY && k < rule->names.n; k++)
			if (!is_not_ours(rule->names.v[k]))
				return false;
	}
	return true;
}
