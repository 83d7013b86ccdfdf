/* SPDX-License-Identifier: Apache-2.0 */
/* floor KIND BUNDLE STATES COMMAND ID: makes the container of the benchmark with the least that the kernel must be asked
 * for. No configuration is read, nothing is checked, and a failure leaves everything behind: this is what a runtime's
 * time is compared with, not a runtime.
 *
 * KIND: v2; the names of v1's hierarchies, joined by colons; or user, for a user namespace with the caller's own id. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "floor_mounts.h"

#define CGROUPS "/sys/fs/cgroup"
#define BITS(name) (1U << (name))

static const uint32_t kept_caps =
	BITS(CAP_AUDIT_WRITE) | BITS(CAP_KILL) | BITS(CAP_NET_BIND_SERVICE);

static const char *kind, *id;
static char fifo[256], pid_link[256];

static const char *join(char *to, const char *a, const char *b, const char *c)
{
	(void)stpcpy(stpcpy(stpcpy(to, a), b), c);
	return to;
}

static bool is_v2(void)
{
	return !strcmp(kind, "v2");
}

static bool is_user(void)
{
	return !strcmp(kind, "user");
}

static void put(const char *path, const char *text)
{
	int fd = (int)must(open(path, O_WRONLY | O_CLOEXEC), path);

	(void)must(write(fd, text, strlen(text)), path);
	(void)close(fd);
}

/* Each of v1's groups of the container, with a file in it. */
static void each_v1(void (*act)(const char *dir))
{
	char path[256], *end;

	for (const char *name = kind; *name; name += *name == ':') {
		end = stpcpy(path, CGROUPS "/");
		while (*name && *name != ':')
			*end++ = *name++;
		(void)stpcpy(stpcpy(end, "/"), id);
		act(path);
	}
}

static void v1_make(const char *dir)
{
	char file[300];

	(void)must(mkdir(dir, 0755), dir);
	if (!strncmp(dir, CGROUPS "/cpuset/", sizeof(CGROUPS "/cpuset/") - 1)) {
		put(join(file, dir, "/cpuset.mems", ""), "0");
		put(join(file, dir, "/cpuset.cpus", ""), "0");
	}
	if (!strncmp(dir, CGROUPS "/devices/", sizeof(CGROUPS "/devices/") - 1)) {
		static const char *const allowed[] = { "c *:* m",     "b *:* m",   "c 1:3 rwm",
						       "c 1:5 rwm",   "c 1:7 rwm", "c 1:8 rwm",
						       "c 1:9 rwm",   "c 5:0 rwm", "c 5:2 rwm",
						       "c 136:* rwm", NULL };

		put(join(file, dir, "/devices.deny", ""), "a");
		(void)join(file, dir, "/devices.allow", "");
		for (const char *const *rule = allowed; *rule; rule++)
			put(file, *rule);
	}
}

static void v1_enter(const char *dir)
{
	char file[300];

	put(join(file, dir, "/tasks", ""), "0");
}

static void v1_remove(const char *dir)
{
	while (rmdir(dir) && errno == EBUSY)
		;
}

static int v2_open(void)
{
	char path[256];

	return (int)must(open(join(path, CGROUPS "/", id, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			 path);
}

/* One comparison for each device that is allowed: type, major and minor number in one key. */
static void v2_devices(int group)
{
	static const uint32_t keys[] = { 1 << 20 | 3, 1 << 20 | 5, 1 << 20 | 7, 1 << 20 | 8,
					 1 << 20 | 9, 5 << 20,     5 << 20 | 2 };
	enum { KEYS = sizeof(keys) / sizeof(*keys), ALLOW = 11 + KEYS + 2 };
	struct bpf_insn program[ALLOW + 2] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 2, .src_reg = 1, .off = 0 },
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 3, .src_reg = 1, .off = 4 },
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 4, .src_reg = 1, .off = 8 },
		{ .code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = 5, .src_reg = 2 },
		{ .code = BPF_ALU | BPF_RSH | BPF_K, .dst_reg = 5, .imm = 16 },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K,
		  .dst_reg = 5,
		  .imm = BPF_DEVCG_ACC_MKNOD,
		  .off = ALLOW - 6 },
		{ .code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = 2, .imm = 0xffff },
		{ .code = BPF_JMP | BPF_JNE | BPF_K,
		  .dst_reg = 2,
		  .imm = BPF_DEVCG_DEV_CHAR,
		  .off = ALLOW - 2 - 8 },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 3, .imm = 136, .off = ALLOW - 9 },
		{ .code = BPF_ALU | BPF_LSH | BPF_K, .dst_reg = 3, .imm = 20 },
		{ .code = BPF_ALU | BPF_OR | BPF_X, .dst_reg = 3, .src_reg = 4 },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = ALLOW + 2 };
	int fd;

	for (int i = 0; i < KEYS; i++)
		program[11 + i] = (struct bpf_insn){ .code = BPF_JMP | BPF_JEQ | BPF_K,
						     .dst_reg = 3,
						     .imm = (int)keys[i],
						     .off = (short)(ALLOW - 12 - i) };
	for (int i = 0; i < 2; i++) {
		program[ALLOW - 2 + 2 * i] = (struct bpf_insn){ .code = BPF_ALU | BPF_MOV | BPF_K,
								.dst_reg = 0,
								.imm = i };
		program[ALLOW - 1 + 2 * i] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	}
	attr.insns = (uintptr_t)program;
	attr.license = (uintptr_t) "GPL";
	fd = (int)must(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)), "device filter");
	attr = (union bpf_attr){ .target_fd = (uint32_t)group,
				 .attach_bpf_fd = (uint32_t)fd,
				 .attach_type = BPF_CGROUP_DEVICE,
				 .attach_flags = BPF_F_ALLOW_MULTI };
	(void)must(syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)), "device filter");
	(void)close(fd);
}

static int group_make(void)
{
	char path[256];
	int fd;

	if (is_user())
		return -1;
	if (!is_v2()) {
		each_v1(v1_make);
		return -1;
	}
	(void)must(mkdir(join(path, CGROUPS "/", id, ""), 0755), path);
	fd = v2_open();
	v2_devices(fd);
	return fd;
}

static void group_remove(void)
{
	char path[256];

	if (is_v2())
		v1_remove(join(path, CGROUPS "/", id, ""));
	else if (!is_user())
		each_v1(v1_remove);
}

static void map_own_id(unsigned int uid, unsigned int gid)
{
	char line[32], digits[12], *digit;

	put("/proc/self/setgroups", "deny");
	for (int i = 0; i < 2; i++) {
		unsigned int value = i ? gid : uid;

		digit = digits + sizeof(digits) - 1;
		*digit = '\0';
		do
			*--digit = (char)('0' + value % 10);
		while (value /= 10);
		put(i ? "/proc/self/gid_map" : "/proc/self/uid_map", join(line, "0 ", digit, " 1"));
	}
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = (int)must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");

	(void)must(ioctl(fd, SIOCSIFFLAGS, &request), "lo");
	(void)close(fd);
}

static void attributes(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { kept_caps, kept_caps, 0 }, { 0, 0, 0 } };
	struct rlimit files = { 1024, 1024 };

	if (!is_user()) {
		(void)must(setrlimit(RLIMIT_NOFILE, &files), "rlimit");
		(void)must(syscall(SYS_setgroups, 0, NULL), "setgroups");
	}
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (cap > 31 || !(kept_caps & BITS(cap)))
			(void)must(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0), "bounding set");
	(void)must(syscall(SYS_capset, &header, data), "capset");
	(void)must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

static void start_command(bool sleeps)
{
	static char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm",
		NULL
	};
	char *args[] = { sleeps ? "/bin/sleep" : "/bin/true", sleeps ? "1000" : NULL, NULL };

	(void)must(execve(args[0], args, env), args[0]);
}

/* The process of the container. With a pipe it says when it is ready, and waits for start. */
static void container(const char *bundle, unsigned int uid, unsigned int gid, int ready)
{
	char byte = 0, root[256];
	int fifo_fd = -1;

	if (is_user())
		map_own_id(uid, gid);
	else if (!is_v2())
		each_v1(v1_enter);
	if (ready >= 0)
		fifo_fd = (int)must(open(fifo, O_RDWR | O_CLOEXEC), fifo);
	(void)must(setsid(), "setsid");
	(void)syscall(SYS_keyctl, 1, id);
	if (is_v2())
		(void)must(unshare(CLONE_NEWCGROUP), "cgroup namespace");
	(void)must(sethostname("usrun", 5), "hostname");
	loopback_up();
	floor_mounts(join(root, bundle, "/rootfs", ""), is_v2(), is_user());
	attributes();
	if (ready >= 0) {
		(void)must(write(ready, &byte, 1), "ready");
		(void)must(read(fifo_fd, &byte, 1), fifo);
	}
	start_command(ready >= 0);
}

static pid_t spawn(const char *bundle, int ready)
{
	struct clone_args args = { .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
					    CLONE_NEWUTS | CLONE_NEWNET,
				   .exit_signal = SIGCHLD };
	unsigned int uid = is_user() ? getuid() : 0, gid = is_user() ? getgid() : 0;
	int group = group_make();
	pid_t pid;

	if (is_user())
		args.flags |= CLONE_NEWUSER;
	if (group >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)group;
	}
	pid = (pid_t)must(syscall(SYS_clone3, &args, sizeof(args)), "clone3");
	if (!pid)
		container(bundle, uid, gid, ready);
	return pid;
}

static int wait_for(pid_t pid)
{
	int status;

	(void)must(waitpid(pid, &status, __WALL), "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A symbolic link holds the pid: one call to write it, and one to read it. */
static void keep_pid(pid_t pid)
{
	char digits[12], *digit = digits + sizeof(digits) - 1;

	*digit = '\0';
	do
		*--digit = (char)('0' + pid % 10);
	while (pid /= 10);
	(void)must(symlink(digit, pid_link), pid_link);
}

static pid_t kept_pid(void)
{
	char digits[12] = "";

	(void)must(readlink(pid_link, digits, sizeof(digits) - 1), pid_link);
	return atoi(digits);
}

static int do_run(const char *bundle)
{
	int status = wait_for(spawn(bundle, -1));

	group_remove();
	return status;
}

static int do_create(const char *bundle)
{
	int ends[2];
	char byte;
	pid_t pid;

	(void)must(mkfifo(fifo, 0600), fifo);
	(void)must(pipe2(ends, O_CLOEXEC), "pipe");
	pid = spawn(bundle, ends[1]);
	keep_pid(pid);
	(void)close(ends[1]);
	return read(ends[0], &byte, 1) == 1 ? 0 : 1;
}

static int do_start(void)
{
	int fd = (int)must(open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC), fifo);

	(void)must(write(fd, "", 1), fifo);
	(void)must(unlink(fifo), fifo);
	return 0;
}

static int do_state(void)
{
	char text[300];
	bool lives = !kill(kept_pid(), 0);

	join(text, "{\"id\":\"", id,
	     lives ? "\",\"status\":\"running\"}\n" : "\",\"status\":\"stopped\"}\n");
	return must(write(1, text, strlen(text)), "output") < 0;
}

static int do_delete(bool force)
{
	if (force) {
		int fd = (int)must(syscall(SYS_pidfd_open, kept_pid(), 0), "pidfd");
		siginfo_t info;

		(void)must(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0), "kill");
		while (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOWAIT) && errno == EINTR)
			;
		(void)unlink(fifo);
	}
	group_remove();
	(void)must(unlink(pid_link), pid_link);
	return 0;
}

static int do_exec(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	int user = is_user() ? CLONE_NEWUSER : 0,
	    rest = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
	int fd = (int)must(syscall(SYS_pidfd_open, kept_pid(), 0), "pidfd");
	pid_t pid;

	if (is_v2()) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)v2_open();
		rest |= CLONE_NEWCGROUP;
	}
	(void)must(setns(fd, user | CLONE_NEWPID), "setns");
	pid = (pid_t)must(syscall(SYS_clone3, &args, sizeof(args)), "clone3");
	if (pid)
		return wait_for(pid);
	if (!is_user() && !is_v2())
		each_v1(v1_enter);
	(void)must(setns(fd, rest), "setns");
	(void)must(setsid(), "setsid");
	(void)syscall(SYS_keyctl, 1, id);
	attributes();
	start_command(false);
	return 1;
}

int main(int argc, char **argv)
{
	const char *command;

	if (argc != 6)
		return 2;
	kind = argv[1];
	command = argv[4];
	id = argv[5];
	(void)join(fifo, argv[3], "/fifo-", id);
	(void)join(pid_link, argv[3], "/pid-", id);
	if (!strcmp(command, "run"))
		return do_run(argv[2]);
	if (!strcmp(command, "create"))
		return do_create(argv[2]);
	if (!strcmp(command, "start"))
		return do_start();
	if (!strcmp(command, "state"))
		return do_state();
	if (!strcmp(command, "kill"))
		return kill(kept_pid(), SIGKILL) ? 1 : 0;
	if (!strcmp(command, "delete"))
		return do_delete(false);
	if (!strcmp(command, "delete-force"))
		return do_delete(true);
	return strcmp(command, "exec") ? 2 : do_exec();
}
