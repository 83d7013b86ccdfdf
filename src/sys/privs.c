/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/privs.h"

#include "src/sys/bpf.h"

#include <grp.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int privs_die_with_parent(pid_t parent, struct err *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_errno(err, errno, "set the parent-death signal");
	if (parent && getppid() != parent)
		return err_set(err, ESRCH, "the process that started this one has exited");
	return 0;
}

int privs_outlive_parent(struct err *err)
{
	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) == 0)
		return 0;
	(void)err_errno(err, errno, "let the container's process outlive usrun (prctl)");
	return err_hint(
		err, "a seccomp profile that refuses prctl needs process.noNewPrivileges: true, so "
		     "that it is loaded last");
}

/* On architectures that once had 16-bit ids, the plain names are calls that truncate ids: 65536
 * would become root. */
#ifdef SYS_setresuid32
#define SETRESUID SYS_setresuid32
#define SETRESGID SYS_setresgid32
#define SETGROUPS SYS_setgroups32
#else
#define SETRESUID SYS_setresuid
#define SETRESGID SYS_setresgid
#define SETGROUPS SYS_setgroups
#endif

/* Raw calls: libc's wrappers would also synchronise threads, of which we have none. */
int privs_set_gid(uint32_t gid, struct err *err)
{
	if (syscall(SETRESGID, gid, gid, gid) < 0)
		return err_errno(err, errno, "become gid %u", gid);
	if (sizeof(long) < sizeof(uint64_t) && (getgid() != gid || getegid() != gid))
		return err_set(err, EOVERFLOW, "become gid %u: the kernel set %u instead", gid,
			       getegid());
	return 0;
}

int privs_set_uid(uint32_t uid, struct err *err)
{
	if (syscall(SETRESUID, uid, uid, uid) < 0)
		return err_errno(err, errno, "become uid %u", uid);
	if (sizeof(long) < sizeof(uint64_t) && (getuid() != uid || geteuid() != uid))
		return err_set(err, EOVERFLOW, "become uid %u: the kernel set %u instead", uid,
			       geteuid());
	return 0;
}

int privs_become_root(struct err *err)
{
	int r = privs_set_gid(0, err);

	if (r == 0 || r == -EINVAL) /* EINVAL: 0 is not mapped */
		r = privs_set_uid(0, err);
	if (r < 0 && r != -EINVAL)
		return r;
	*err = (struct err){ 0 };
	return 0;
}

int privs_set_groups(const uint32_t *groups, size_t n, struct err *err)
{
	if (syscall(SETGROUPS, n, groups) < 0)
		return err_errno(err, errno, "set %zu supplementary groups", n);
	return 0;
}

#ifdef __NR_setresuid32
enum { SET_UID = __NR_setresuid32, SET_GID = __NR_setresgid32 };
#else
enum { SET_UID = __NR_setresuid, SET_GID = __NR_setresgid };
#endif

int privs_pretend_ids(struct err *err)
{
	const struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, seccomp_arch_native(), 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SET_UID, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SET_GID, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO), /* 0: success */
	};
	int r = bpf_filter_install(filter, sizeof(filter) / sizeof(filter[0]), 0);

	return r < 0 ? err_errno(err, -r, "install a filter for the calls that set ids") : 0;
}

int privs_drop_bounding(uint64_t keep, struct err *err)
{
	for (int cap = 0; cap < 64; cap++) {
		if (keep & (1ULL << cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL) /* beyond the last capability of this kernel */
			return 0;
		return err_errno(err, errno, "drop capability %d from the bounding set", cap);
	}
	return 0;
}

int privs_keep_caps(struct err *err)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_errno(err, errno, "keep capabilities across the change of ids");
	return 0;
}

/* The raw call: libcap queries the kernel's version first, at every start of the program. */
int privs_set_caps(uint64_t permitted, uint64_t effective, uint64_t inheritable, struct err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int half = 0; half < 2; half++)
		data[half] = (struct __user_cap_data_struct){
			.permitted = (uint32_t)(permitted >> 32 * half),
			.effective = (uint32_t)(effective >> 32 * half),
			.inheritable = (uint32_t)(inheritable >> 32 * half),
		};
	if (capset(&header, data) == 0)
		return 0;
	return err_errno(err, errno, "set capabilities (permitted %#llx, inheritable %#llx)",
			 (unsigned long long)permitted, (unsigned long long)inheritable);
}

int privs_set_ambient(uint64_t ambient, struct err *err)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_errno(err, errno, "clear ambient capabilities");
	for (int cap = 0; cap < 64; cap++)
		if ((ambient & (1ULL << cap)) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return err_errno(err, errno, "raise ambient capability %d", cap);
	return 0;
}

uint64_t privs_effective(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (capget(&header, data) < 0)
		return 0;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

uint64_t privs_bounding(void)
{
	uint64_t mask = 0;

	for (int cap = 0; cap < 64; cap++) {
		int r = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (r < 0)
			break;
		if (r > 0)
			mask |= 1ULL << cap;
	}
	return mask;
}

int privs_set_no_new_privs(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, errno, "set no_new_privs");
	return 0;
}

void privs_set_dumpable(bool dumpable)
{
	(void)prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
}

uint32_t privs_uid(void)
{
	return geteuid();
}

int privs_limit(pid_t pid, int resource, const struct rlimit *wanted, struct rlimit *ret_now)
{
	return syscall(SYS_prlimit64, pid, resource, wanted, ret_now) < 0 ? -errno : 0;
}

int privs_join_keyring(const char *name)
{
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) < 0 ? -errno : 0;
}
