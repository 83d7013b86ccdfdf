/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp profile of `do`. Allows calls that a program without capabilities may need. Some
 * calls fail with EPERM, as they would for lack of privileges. Calls that are newer than the table,
 * or duplicate another call, fail with ENOSYS, so that C libraries fall back to older ones. */
#include "src/base/json_write.h"
#include "src/base/str.h"
#include "src/do/do_places.h"
#include "src/oci/names.h"

#include <errno.h>

/* Arrays of names, not pointers: those would be relocated at every start of usrun, whatever the
 * command. */
enum { NAME_SIZE = 32 };

static const char passing[][NAME_SIZE] = {
	/* clang-format off */
	"_llseek", "_newselect", "accept", "accept4", "access", "alarm", "arch_prctl",
	"arm_fadvise64_64", "arm_sync_file_range", "bind", "breakpoint", "brk", "cacheflush",
	"cachestat", "capget", "capset", "chdir", "chmod", "chown", "chown32", "clock_getres",
	"clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep",
	"clock_nanosleep_time64", "close", "close_range", "connect", "copy_file_range", "creat",
	"dup", "dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait",
	"epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "execve", "execveat", "exit",
	"exit_group", "faccessat", "faccessat2", "fadvise64", "fadvise64_64", "fallocate",
	"fanotify_mark", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchown32",
	"fchownat", "fcntl", "fcntl64", "fdatasync", "fgetxattr", "file_getattr", "flistxattr",
	"flock", "fork", "fremovexattr", "fsetxattr", "fstat", "fstat64", "fstatat64", "fstatfs",
	"fstatfs64", "fsync", "ftruncate", "ftruncate64", "futex", "futex_requeue",
	"futex_time64", "futex_wait", "futex_waitv", "futex_wake", "futimesat", "get_mempolicy",
	"get_robust_list", "get_thread_area", "getcpu", "getcwd", "getdents", "getdents64",
	"getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups",
	"getgroups32", "getitimer", "getpeername", "getpgid", "getpgrp", "getpid", "getppid",
	"getpriority", "getrandom", "getresgid", "getresgid32", "getresuid", "getresuid32",
	"getrlimit", "getrusage", "getsid", "getsockname", "getsockopt", "gettid", "gettimeofday",
	"getuid", "getuid32", "getxattr", "getxattrat", "inotify_add_watch", "inotify_init",
	"inotify_init1", "inotify_rm_watch", "io_cancel", "io_destroy", "io_getevents",
	"io_pgetevents", "io_pgetevents_time64", "io_setup", "io_submit", "ioprio_get",
	"ioprio_set", "ipc", "kill", "landlock_add_rule", "landlock_create_ruleset",
	"landlock_restrict_self", "lchown", "lchown32", "lgetxattr", "link", "linkat", "listen",
	"listxattr", "listxattrat", "llistxattr", "lremovexattr", "lseek", "lsetxattr",
	"lsm_get_self_attr", "lsm_list_modules", "lstat", "lstat64", "madvise",
	"map_shadow_stack", "mbind", "membarrier", "memfd_create", "mincore", "mkdir", "mkdirat",
	"mknod", "mknodat", "mlock", "mlock2", "mlockall", "mmap", "mmap2", "mprotect",
	"mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedreceive_time64",
	"mq_timedsend", "mq_timedsend_time64", "mq_unlink", "mremap", "mseal", "msgctl", "msgget",
	"msgrcv", "msgsnd", "msync", "multiplexer", "munlock", "munlockall", "munmap",
	"name_to_handle_at", "nanosleep", "newfstatat", "nice", "oldfstat", "oldlstat",
	"oldolduname", "oldstat", "olduname", "open", "openat", "openat2", "pause", "personality",
	"pidfd_getfd", "pidfd_open", "pidfd_send_signal", "pipe", "pipe2", "pkey_alloc",
	"pkey_free", "pkey_mprotect", "poll", "ppoll", "ppoll_time64", "prctl", "pread64",
	"preadv", "preadv2", "prlimit64", "process_madvise", "process_mrelease",
	"process_vm_readv", "process_vm_writev", "pselect6", "pselect6_time64", "ptrace",
	"pwrite64", "pwritev", "pwritev2", "read", "readahead", "readdir", "readlink",
	"readlinkat", "readv", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg",
	"remap_file_pages", "removexattr", "removexattrat", "rename", "renameat", "renameat2",
	"restart_syscall", "riscv_flush_icache", "riscv_hwprobe", "rmdir", "rseq", "rt_sigaction",
	"rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
	"rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_tgsigqueueinfo",
	"sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
	"sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
	"sched_rr_get_interval_time64", "sched_setaffinity", "sched_setattr", "sched_setparam",
	"sched_setscheduler", "sched_yield", "seccomp", "select", "semctl", "semget", "semop",
	"semtimedop", "semtimedop_time64", "send", "sendfile", "sendfile64", "sendmmsg",
	"sendmsg", "sendto", "set_mempolicy", "set_mempolicy_home_node", "set_robust_list",
	"set_thread_area", "set_tid_address", "set_tls", "setdomainname", "setfsgid",
	"setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups", "setgroups32",
	"sethostname", "setitimer", "setpgid", "setpriority", "setregid", "setregid32",
	"setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32",
	"setrlimit", "setsid", "setsockopt", "setuid", "setuid32", "setxattr", "setxattrat",
	"sgetmask", "shmat", "shmctl", "shmdt", "shmget", "shutdown", "sigaction", "sigaltstack",
	"signal", "signalfd", "signalfd4", "sigpending", "sigprocmask", "sigreturn", "sigsuspend",
	"socketpair", "splice", "ssetmask", "stat", "stat64", "statfs", "statfs64",
	"statx", "swapcontext", "switch_endian", "symlink", "symlinkat", "sync",
	"sync_file_range", "sync_file_range2", "syncfs", "sysinfo", "tee", "tgkill", "time",
	"timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_gettime64",
	"timer_settime", "timer_settime64", "timerfd_create", "timerfd_gettime",
	"timerfd_gettime64", "timerfd_settime", "timerfd_settime64", "times", "tkill", "truncate",
	"truncate64", "ugetrlimit", "umask", "uname", "unlink", "unlinkat", "uretprobe", "utime",
	"utimensat", "utimensat_time64", "utimes", "vfork", "vmsplice", "wait4", "waitid",
	"waitpid", "write", "writev",
	/* clang-format on */
	"",
};

/* Keys are not namespaced. Tracing, profiling and handling the kernel's page faults are the tools
 * of exploits. The rest is system administration, other processes' memory, handles that reach past
 * the mounts, and relics. */
static const char refused[][NAME_SIZE] = {
	/* clang-format off */
	"add_key", "keyctl", "request_key", "bpf", "perf_event_open", "userfaultfd", "kcmp",
	"lookup_dcookie", "move_pages", "migrate_pages", "open_by_handle_at", "fanotify_init",
	"syslog", "acct", "quotactl", "quotactl_fd", "swapon", "swapoff", "reboot", "kexec_load",
	"kexec_file_load", "create_module", "delete_module", "init_module", "finit_module",
	"get_kernel_syms", "query_module", "ioperm", "iopl", "vhangup", "nfsservctl",
	"settimeofday", "clock_settime", "clock_settime64", "clock_adjtime", "clock_adjtime64",
	"adjtimex", "stime", "modify_ldt", "vm86", "vm86old", "uselib", "ustat", "sysfs",
	"_sysctl", "pciconfig_read", "pciconfig_write", "pciconfig_iobase",
	/* clang-format on */
	"",
};

/* A user namespace would give the program capabilities in it. --nested allows these calls. */
static const char nesting[][NAME_SIZE] = { "mount",  "umount", "umount2", "pivot_root",
					   "chroot", "setns",  "unshare", "" };
/* The same, but ENOSYS unless nested: clone3() takes its flags in memory, where a filter cannot see
 * them. */
static const char nesting_new[][NAME_SIZE] = { "clone3", "open_tree",     "move_mount",
					       "fsopen", "fsconfig",      "fsmount",
					       "fspick", "mount_setattr", "" };

struct compared {
	char call[8];
	unsigned int index;
	uint64_t mask, value;
	unsigned int error;
};

/* The kernel uses only the lower half of an ioctl command, so comparing all of it could be bypassed
 * (CVE-2019-10063). */
static const struct compared compared[] = {
	{ "ioctl", 1, 0xffffffff, 0x5412 /* TIOCSTI */, EPERM },
	{ "ioctl", 1, 0xffffffff, 0x541c /* TIOCLINUX */, EPERM },
	{ "socket", 0, 0xffffffff, 38 /* AF_ALG */, EAFNOSUPPORT },
	{ "socket", 0, 0xffffffff, 40 /* AF_VSOCK */, EAFNOSUPPORT },
};

static const uint64_t clone_flags[] = {
	0x00020000 /* NEWNS */,  0x02000000 /* NEWCGROUP */, 0x04000000 /* NEWUTS */,
	0x08000000 /* NEWIPC */, 0x10000000 /* NEWUSER */,   0x20000000 /* NEWPID */,
	0x40000000 /* NEWNET */,
};

static void action(struct json_write *w, int error)
{
	json_write_end(w);
	json_write_string(w, "action", error ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW");
	if (error)
		json_write_int(w, "errnoRet", error);
}

static void open_rule(struct json_write *w, const char *call, int error)
{
	json_write_object(w, NULL);
	json_write_array(w, "names");
	json_write_string(w, NULL, call);
	action(w, error);
}

/* names ends with an empty one. */
static void plain_rule(struct json_write *w, const char (*names)[NAME_SIZE], int error)
{
	json_write_object(w, NULL);
	json_write_array(w, "names");
	for (; **names; names++)
		json_write_string(w, NULL, *names);
	action(w, error);
	json_write_end(w);
}

static void argument(struct json_write *w, unsigned int index, const char *op, uint64_t value)
{
	json_write_array(w, "args");
	json_write_object(w, NULL);
	json_write_uint(w, "index", index);
	json_write_string(w, "op", op);
	json_write_uint(w, "value", value);
}

/* A comparison that is always true, after those for equality: means "else". */
static void otherwise(struct json_write *w, const char *call, unsigned int index)
{
	open_rule(w, call, 0);
	argument(w, index, "SCMP_CMP_GE", 0);
	json_write_end(w);
	json_write_end(w);
	json_write_end(w);
}

static void masked_rule(struct json_write *w, const struct compared *c)
{
	open_rule(w, c->call, (int)c->error);
	argument(w, c->index, "SCMP_CMP_MASKED_EQ", c->mask);
	json_write_uint(w, "valueTwo", c->value);
	json_write_end(w);
	json_write_end(w);
	json_write_end(w);
}

static void clone_rules(struct json_write *w, const struct do_request *q)
{
	/* s390 swaps clone()'s arguments. */
	unsigned int index = str_starts(q->machine->arch, "s390");
	static const char clone[][NAME_SIZE] = { "clone", "" };

	if (q->nested) {
		plain_rule(w, clone, 0);
		return;
	}
	otherwise(w, "clone", index);
	for (size_t i = 0; i < sizeof(clone_flags) / sizeof(clone_flags[0]); i++)
		masked_rule(w, &(struct compared){ "clone", index, clone_flags[i], clone_flags[i],
						   EPERM });
}

/* socketcall(2) takes the socket family in memory, where a filter cannot see it. Machines that have
 * no other way to create sockets need it, and so do the programs of a 32-bit usrun, whatever the
 * kernel. Where only programs of the second architecture need it, it is refused: otherwise any
 * program could use it to get a forbidden family. EPERM, because a rule with the default action has
 * no effect, and those for connect and the like would let the call pass. */
static void socketcall_rule(struct json_write *w, const char *machine)
{
	static const char name[][NAME_SIZE] = { "socketcall", "" };
	bool second = sizeof(void *) == sizeof(uint64_t) &&
		      (str_equal(machine, "x86_64") || str_equal(machine, "aarch64"));

	plain_rule(w, name, second ? EPERM : 0);
}

/* The machine's own architecture, and the second one whose programs it runs; calls of all others
 * are refused. */
static void architectures(struct json_write *w, const char *machine)
{
	static const struct {
		char machine[8], names[2][20];
	} table[] = {
		{ "x86_64", { "SCMP_ARCH_X86_64", "SCMP_ARCH_X86" } },
		{ "aarch64", { "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM" } },
		{ "s390x", { "SCMP_ARCH_S390X", "SCMP_ARCH_S390" } },
	};

	json_write_array(w, "architectures");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (str_equal(table[i].machine, machine)) {
			json_write_string(w, NULL, table[i].names[0]);
			json_write_string(w, NULL, table[i].names[1]);
		}
	json_write_end(w);
}

static void write_own(struct json_write *w, const struct do_request *q)
{
	json_write_object(w, "seccomp");
	json_write_string(w, "defaultAction", "SCMP_ACT_ERRNO");
	json_write_int(w, "defaultErrnoRet", ENOSYS);
	architectures(w, q->machine->arch);
	json_write_array(w, "syscalls");
	plain_rule(w, passing, 0);
	plain_rule(w, refused, EPERM);
	plain_rule(w, nesting, q->nested ? 0 : EPERM);
	if (q->nested)
		plain_rule(w, nesting_new, 0);
	clone_rules(w, q);
	socketcall_rule(w, q->machine->arch);
	otherwise(w, "ioctl", 1);
	otherwise(w, "socket", 0);
	for (size_t i = 0; i < sizeof(compared) / sizeof(compared[0]); i++)
		masked_rule(w, &compared[i]);
	json_write_end(w);
	json_write_end(w);
}

static void write_given_args(struct json_write *w, const struct oci_syscall *call)
{
	json_write_array(w, "args");
	for (size_t i = 0; i < call->args.n; i++) {
		const struct oci_seccomp_arg *arg = &call->args.v[i];

		json_write_object(w, NULL);
		json_write_uint(w, "index", arg->index.v);
		json_write_uint(w, "value", arg->value.v);
		json_write_uint(w, "valueTwo", arg->value_two.v);
		json_write_string(w, "op", json_read_enum_name(names_seccomp_ops, arg->op));
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_action(struct json_write *w, const char *key, int action, const char *errno_key,
			 const struct json_uint *number)
{
	json_write_string(w, key, json_read_enum_name(names_seccomp_actions, action));
	if (number->set)
		json_write_uint(w, errno_key, number->v);
}

static void write_given(struct json_write *w, const struct oci_seccomp *given)
{
	json_write_object(w, "seccomp");
	write_action(w, "defaultAction", given->default_action, "defaultErrnoRet",
		     &given->default_errno_ret);
	if (given->architectures.v)
		json_write_strings(w, "architectures", given->architectures.v,
				   given->architectures.n);
	if (given->flags.v) {
		json_write_array(w, "flags");
		for (size_t i = 0; i < given->flags.n; i++)
			json_write_string(
				w, NULL,
				json_read_enum_name(names_seccomp_flags, given->flags.v[i]));
		json_write_end(w);
	}
	json_write_array(w, "syscalls");
	for (size_t i = 0; i < given->syscalls.n; i++) {
		const struct oci_syscall *call = &given->syscalls.v[i];

		json_write_object(w, NULL);
		json_write_strings(w, "names", call->names.v, call->names.n);
		write_action(w, "action", call->action, "errnoRet", &call->errno_ret);
		write_given_args(w, call);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_end(w);
}

void do_seccomp_write(struct json_write *w, const struct do_request *q)
{
	if (q->seccomp_given)
		write_given(w, q->seccomp_given);
	else if (!q->no_seccomp)
		write_own(w, q);
}
