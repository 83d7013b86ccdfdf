// SPDX-License-Identifier: Apache-2.0
/* What a process knows about itself without any file system. */
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <termios.h>
#include <unistd.h>

#include <sys/ioctl.h>

#include "probe.h"

#define N_FDS 256

/* The kernel's header clashes with glibc's <sched.h>. */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static void print_limits(void)
{
	static const char *const names[] = { "CPU",      "FSIZE", "DATA",   "STACK",
					     "CORE",     "RSS",   "NPROC",  "NOFILE",
					     "MEMLOCK",  "AS",    "LOCKS",  "SIGPENDING",
					     "MSGQUEUE", "NICE",  "RTPRIO", "RTTIME" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct rlimit limit;

		if (getrlimit(i, &limit) == 0)
			printf("rlimit %s %lld %lld\n", names[i], (long long)limit.rlim_cur,
			       (long long)limit.rlim_max);
	}
}

static void print_scheduling(void)
{
	struct scheduling attr = { .size = sizeof attr };
	cpu_set_t cpus;

	if (syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0) == 0)
		printf("sched policy=%u flags=%llu nice=%d priority=%u runtime=%llu\n", attr.policy,
		       (unsigned long long)attr.flags, attr.nice, attr.priority,
		       attr.policy == 6 ? (unsigned long long)attr.runtime : 0);
	printf("ioprio %ld\n", syscall(SYS_ioprio_get, 1, 0));
	if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
		printf("cpus %d of %d\n", CPU_COUNT(&cpus), get_nprocs_conf());
	printf("personality %#x\n", personality(0xffffffff));
}

static void print_prctl(void)
{
	int signal = -1, subreaper = -1;

	prctl(PR_GET_PDEATHSIG, &signal);
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	printf("prctl dumpable=%d keepcaps=%d securebits=%d pdeathsig=%d subreaper=%d "
	       "timerslack=%d thp-disable=%d\n",
	       prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS), prctl(PR_GET_SECUREBITS), signal,
	       subreaper, prctl(PR_GET_TIMERSLACK), prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	printf("secure-execution %lu\n", getauxval(AT_SECURE));
}

static char kind_of(mode_t mode)
{
	return S_ISCHR(mode)    ? 'c'
	       : S_ISBLK(mode)  ? 'b'
	       : S_ISFIFO(mode) ? 'p'
	       : S_ISSOCK(mode) ? 's'
	       : S_ISDIR(mode)  ? 'd'
				: '-';
}

static void print_descriptors(void)
{
	for (int fd = 0; fd < N_FDS; fd++) {
		int flags = fcntl(fd, F_GETFL);
		struct stat st;

		if (flags < 0 || fstat(fd, &st) < 0)
			continue;
		printf("fd %d kind=%c access=%d append=%d nonblock=%d cloexec=%d\n", fd,
		       kind_of(st.st_mode), flags & O_ACCMODE, !!(flags & O_APPEND),
		       !!(flags & O_NONBLOCK), fcntl(fd, F_GETFD) & FD_CLOEXEC);
		printf("fd %d owner %u:%u\n", fd, st.st_uid, st.st_gid);
	}
}

static void print_terminal(void)
{
	struct winsize size;
	struct termios mode;

	printf("session leader=%d group-leader=%d foreground=%d pid1=%d\n", getsid(0) == getpid(),
	       getpgrp() == getpid(), tcgetpgrp(0) == getpgrp(), getpid() == 1);
	if (!isatty(0))
		return;
	printf("tty name %s\n", ttyname(0) ? ttyname(0) : "unknown");
	if (ioctl(0, TIOCGWINSZ, &size) == 0)
		printf("tty size %ux%u\n", size.ws_col, size.ws_row);
	if (tcgetattr(0, &mode) == 0)
		printf("tty modes in=%#x out=%#x local=%#x\n", mode.c_iflag, mode.c_oflag,
		       mode.c_lflag);
}

static void print_keyring(void)
{
	char text[256] = "";
	long r = syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text,
			 sizeof text - 1);

	printf("keyring %s\n", r < 0 ? probe_result(-1) : text);
}

void probe_process(void)
{
	print_limits();
	print_scheduling();
	print_prctl();
	print_descriptors();
	print_terminal();
	print_keyring();
}
