/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/names.h"

#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/personality.h>
#include <sys/resource.h>

/* Newer than the headers of some systems that we build on. */
enum {
	SCHED_POLICY_ISO = 4, /* reserved, never implemented: left for the kernel to refuse */
	MEMORY_MODE_WEIGHTED_INTERLEAVE = 6, /* Linux 6.9 */
	SECCOMP_WAIT_KILLABLE_RECV = 1 << 5, /* Linux 5.19 */
};

#define END                                                                                        \
	{                                                                                          \
		"", 0                                                                              \
	}

const struct json_name names_namespaces[] = {
	{ "user", CLONE_NEWUSER }, { "pid", CLONE_NEWPID },  { "network", CLONE_NEWNET },
	{ "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS },  { "cgroup", CLONE_NEWCGROUP },
	{ "time", CLONE_NEWTIME }, { "mount", CLONE_NEWNS }, END,
};

#define RLIMIT(name)                                                                               \
	{                                                                                          \
		"RLIMIT_" #name, RLIMIT_##name                                                     \
	}

const struct json_name names_rlimits[] = {
	RLIMIT(AS),
	RLIMIT(CORE),
	RLIMIT(CPU),
	RLIMIT(DATA),
	RLIMIT(FSIZE),
	RLIMIT(LOCKS),
	RLIMIT(MEMLOCK),
	RLIMIT(MSGQUEUE),
	RLIMIT(NICE),
	RLIMIT(NOFILE),
	RLIMIT(NPROC),
	RLIMIT(RSS),
	RLIMIT(RTPRIO),
	RLIMIT(RTTIME),
	RLIMIT(SIGPENDING),
	RLIMIT(STACK),
	END,
};

const struct json_name names_sched_policies[] = {
	{ "SCHED_OTHER", SCHED_NORMAL },
	{ "SCHED_FIFO", SCHED_FIFO },
	{ "SCHED_RR", SCHED_RR },
	{ "SCHED_BATCH", SCHED_BATCH },
	{ "SCHED_ISO", SCHED_POLICY_ISO },
	{ "SCHED_IDLE", SCHED_IDLE },
	{ "SCHED_DEADLINE", SCHED_DEADLINE },
	END,
};

#define FLAG(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

const struct json_name names_sched_flags[] = {
	FLAG(SCHED_FLAG_RESET_ON_FORK),  FLAG(SCHED_FLAG_RECLAIM),
	FLAG(SCHED_FLAG_DL_OVERRUN),     FLAG(SCHED_FLAG_KEEP_POLICY),
	FLAG(SCHED_FLAG_KEEP_PARAMS),    FLAG(SCHED_FLAG_UTIL_CLAMP_MIN),
	FLAG(SCHED_FLAG_UTIL_CLAMP_MAX), END,
};

const struct json_name names_io_classes[] = {
	FLAG(IOPRIO_CLASS_RT),
	FLAG(IOPRIO_CLASS_BE),
	FLAG(IOPRIO_CLASS_IDLE),
	END,
};

const struct json_name names_memory_modes[] = {
	{ "MPOL_DEFAULT", MPOL_DEFAULT },
	{ "MPOL_BIND", MPOL_BIND },
	{ "MPOL_INTERLEAVE", MPOL_INTERLEAVE },
	{ "MPOL_WEIGHTED_INTERLEAVE", MEMORY_MODE_WEIGHTED_INTERLEAVE },
	{ "MPOL_PREFERRED", MPOL_PREFERRED },
	{ "MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY },
	{ "MPOL_LOCAL", MPOL_LOCAL },
	END,
};

const struct json_name names_memory_flags[] = {
	FLAG(MPOL_F_NUMA_BALANCING),
	FLAG(MPOL_F_RELATIVE_NODES),
	FLAG(MPOL_F_STATIC_NODES),
	END,
};

const struct json_name names_personalities[] = {
	{ "LINUX", PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
	END,
};

/* crun and runc accept the recursive words, too, and podman writes them. */
const struct json_name names_propagations[] = {
	{ "private", MS_PRIVATE },
	{ "shared", MS_SHARED },
	{ "slave", MS_SLAVE },
	{ "unbindable", MS_UNBINDABLE },
	{ "rprivate", MS_PRIVATE | MS_REC },
	{ "rshared", MS_SHARED | MS_REC },
	{ "rslave", MS_SLAVE | MS_REC },
	{ "runbindable", MS_UNBINDABLE | MS_REC },
	END,
};

const struct json_name names_seccomp_actions[] = {
	{ "SCMP_ACT_KILL", OCI_SECCOMP_KILL },
	{ "SCMP_ACT_KILL_PROCESS", OCI_SECCOMP_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", OCI_SECCOMP_KILL_THREAD },
	{ "SCMP_ACT_TRAP", OCI_SECCOMP_TRAP },
	{ "SCMP_ACT_ERRNO", OCI_SECCOMP_ERRNO },
	{ "SCMP_ACT_TRACE", OCI_SECCOMP_TRACE },
	{ "SCMP_ACT_ALLOW", OCI_SECCOMP_ALLOW },
	{ "SCMP_ACT_LOG", OCI_SECCOMP_LOG },
	{ "SCMP_ACT_NOTIFY", OCI_SECCOMP_NOTIFY },
	END,
};

const struct json_name names_seccomp_ops[] = {
	{ "SCMP_CMP_NE", OCI_SECCOMP_NE },
	{ "SCMP_CMP_LT", OCI_SECCOMP_LT },
	{ "SCMP_CMP_LE", OCI_SECCOMP_LE },
	{ "SCMP_CMP_EQ", OCI_SECCOMP_EQ },
	{ "SCMP_CMP_GE", OCI_SECCOMP_GE },
	{ "SCMP_CMP_GT", OCI_SECCOMP_GT },
	{ "SCMP_CMP_MASKED_EQ", OCI_SECCOMP_MASKED_EQ },
	END,
};

const struct json_name names_seccomp_flags[] = {
	FLAG(SECCOMP_FILTER_FLAG_TSYNC),
	FLAG(SECCOMP_FILTER_FLAG_LOG),
	FLAG(SECCOMP_FILTER_FLAG_SPEC_ALLOW),
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_WAIT_KILLABLE_RECV },
	END,
};

const char *const names_seccomp_archs[] = {
	"SCMP_ARCH_X86",     "SCMP_ARCH_X86_64",   "SCMP_ARCH_X32",         "SCMP_ARCH_ARM",
	"SCMP_ARCH_AARCH64", "SCMP_ARCH_MIPS",     "SCMP_ARCH_MIPS64",      "SCMP_ARCH_MIPS64N32",
	"SCMP_ARCH_MIPSEL",  "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",
	"SCMP_ARCH_PPC64",   "SCMP_ARCH_PPC64LE",  "SCMP_ARCH_S390",        "SCMP_ARCH_S390X",
	"SCMP_ARCH_PARISC",  "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64",     "SCMP_ARCH_LOONGARCH64",
	"SCMP_ARCH_M68K",    "SCMP_ARCH_SH",       "SCMP_ARCH_SHEB",        NULL,
};

const char *const names_hook_points[] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
	NULL,
};

#define CAPABILITY(name) [name] = #name

static const char capabilities[][24] = {
	CAPABILITY(CAP_CHOWN),
	CAPABILITY(CAP_DAC_OVERRIDE),
	CAPABILITY(CAP_DAC_READ_SEARCH),
	CAPABILITY(CAP_FOWNER),
	CAPABILITY(CAP_FSETID),
	CAPABILITY(CAP_KILL),
	CAPABILITY(CAP_SETGID),
	CAPABILITY(CAP_SETUID),
	CAPABILITY(CAP_SETPCAP),
	CAPABILITY(CAP_LINUX_IMMUTABLE),
	CAPABILITY(CAP_NET_BIND_SERVICE),
	CAPABILITY(CAP_NET_BROADCAST),
	CAPABILITY(CAP_NET_ADMIN),
	CAPABILITY(CAP_NET_RAW),
	CAPABILITY(CAP_IPC_LOCK),
	CAPABILITY(CAP_IPC_OWNER),
	CAPABILITY(CAP_SYS_MODULE),
	CAPABILITY(CAP_SYS_RAWIO),
	CAPABILITY(CAP_SYS_CHROOT),
	CAPABILITY(CAP_SYS_PTRACE),
	CAPABILITY(CAP_SYS_PACCT),
	CAPABILITY(CAP_SYS_ADMIN),
	CAPABILITY(CAP_SYS_BOOT),
	CAPABILITY(CAP_SYS_NICE),
	CAPABILITY(CAP_SYS_RESOURCE),
	CAPABILITY(CAP_SYS_TIME),
	CAPABILITY(CAP_SYS_TTY_CONFIG),
	CAPABILITY(CAP_MKNOD),
	CAPABILITY(CAP_LEASE),
	CAPABILITY(CAP_AUDIT_WRITE),
	CAPABILITY(CAP_AUDIT_CONTROL),
	CAPABILITY(CAP_SETFCAP),
	CAPABILITY(CAP_MAC_OVERRIDE),
	CAPABILITY(CAP_MAC_ADMIN),
	CAPABILITY(CAP_SYSLOG),
	CAPABILITY(CAP_WAKE_ALARM),
	CAPABILITY(CAP_BLOCK_SUSPEND),
	CAPABILITY(CAP_AUDIT_READ),
	CAPABILITY(CAP_PERFMON),
	CAPABILITY(CAP_BPF),
	CAPABILITY(CAP_CHECKPOINT_RESTORE),
};

enum { N_CAPABILITIES = sizeof(capabilities) / sizeof(capabilities[0]) };

int names_capability(const char *name)
{
	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	for (int i = 0; i < N_CAPABILITIES; i++)
		if (strcasecmp(capabilities[i] + 4, name) == 0)
			return i;
	return -1;
}

const char *names_capability_name(int n)
{
	return n >= 0 && n < N_CAPABILITIES ? capabilities[n] : NULL;
}

/* Real-time signals as the clients' C library numbers them (the kernel's begin at 32, but glibc
 * reserves two). musl numbers them differently, which must not change what a name means. */
enum { RTMIN = 34, RTMAX = 64 };

#define SIGNAL(name)                                                                               \
	{                                                                                          \
		"SIG" #name, SIG##name                                                             \
	}

static const struct json_name signals[] = {
	SIGNAL(HUP),  SIGNAL(INT),           SIGNAL(QUIT),          SIGNAL(ILL),
	SIGNAL(TRAP), SIGNAL(ABRT),          SIGNAL(BUS),           SIGNAL(FPE),
	SIGNAL(KILL), SIGNAL(USR1),          SIGNAL(SEGV),          SIGNAL(USR2),
	SIGNAL(PIPE), SIGNAL(ALRM),          SIGNAL(TERM),          SIGNAL(STKFLT),
	SIGNAL(CHLD), SIGNAL(CONT),          SIGNAL(STOP),          SIGNAL(TSTP),
	SIGNAL(TTIN), SIGNAL(TTOU),          SIGNAL(URG),           SIGNAL(XCPU),
	SIGNAL(XFSZ), SIGNAL(VTALRM),        SIGNAL(PROF),          SIGNAL(WINCH),
	SIGNAL(IO),   SIGNAL(PWR),           SIGNAL(SYS),           SIGNAL(IOT),
	SIGNAL(POLL), { "SIGCLD", SIGCHLD }, { "SIGRTMIN", RTMIN }, { "SIGRTMAX", RTMAX },
	END,
};

/* One or two digits: a signal number, or the distance from SIGRTMIN. */
static int small_number(const char *text)
{
	int value = 0;

	if (!*text || strlen(text) > 2)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		value = value * 10 + (*text - '0');
	}
	return value;
}

static int realtime_signal(const char *name)
{
	int signal, n;

	if (strncasecmp(name, "RTMIN+", 6) != 0 && strncasecmp(name, "RTMAX-", 6) != 0)
		return -1;
	n = small_number(name + 6);
	signal = name[5] == '+' ? RTMIN + n : RTMAX - n;
	return n >= 0 && signal >= RTMIN && signal <= RTMAX ? signal : -1;
}

int names_signal(const char *text)
{
	int number = small_number(text);

	if (number >= 0)
		return number >= 1 && number <= RTMAX ? number : -1;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (const struct json_name *s = signals; *s->name; s++)
		if (strcasecmp(s->name + 3, text) == 0)
			return s->value;
	return realtime_signal(text);
}

const char *names_signal_name(int signal)
{
	return signal > 0 ? json_read_enum_name(signals, signal) : NULL;
}

const char *const names_masked_paths[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/proc/sched_debug",
	"/sys/firmware",
	"/proc/scsi",
	NULL,
};

const char *const names_readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};
