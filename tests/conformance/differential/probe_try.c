// SPDX-License-Identifier: Apache-2.0
/* Questions that change with the config: what can be opened, read, called. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

static const char *try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
	const char *result = probe_result(fd);

	if (fd >= 0)
		close(fd);
	return result;
}

static void ask_open(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		printf("open %s lstat=%s\n", path, probe_result(-1));
	else
		printf("open %s type=%o read=%s write=%s\n", path, (st.st_mode & S_IFMT) >> 12,
		       try_open(path, O_RDONLY), try_open(path, O_WRONLY));
}

/* The owner and mode of what is there. */
static void ask_stat(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		printf("stat %s %s\n", path, probe_result(-1));
	else
		printf("stat %s type=%o mode=%04o owner=%u:%u\n", path, (st.st_mode & S_IFMT) >> 12,
		       st.st_mode & 07777, st.st_uid, st.st_gid);
}

static void ask_create(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
	struct stat st = { 0 };

	printf("create %s %s", path, probe_result(fd));
	if (fd >= 0 && fstat(fd, &st) == 0)
		printf(" mode=%04o owner=%u:%u", st.st_mode & 07777, st.st_uid, st.st_gid);
	printf("\n");
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
}

static void print_file(const char *name, const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (n < 0) {
		printf("read %s %s\n", name, probe_result(-1));
	} else {
		text[n] = '\0';
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			printf("read %s %s\n", name, line);
	}
	if (fd >= 0)
		close(fd);
}

static void ask_read(const char *path)
{
	print_file(path, path);
}

/* A device by its numbers, "c:1:3": may it be made, read and written? */
static void ask_device(const char *what)
{
	unsigned int major_, minor_;
	char kind;

	if (sscanf(what, "%c:%u:%u", &kind, &major_, &minor_) != 3)
		return;
	printf("device %s mknod=%s", what,
	       probe_result(mknod("/tmp/device", (kind == 'b' ? S_IFBLK : S_IFCHR) | 0600,
				  makedev(major_, minor_))));
	printf(" read=%s", try_open("/tmp/device", O_RDONLY));
	printf(" write=%s\n", try_open("/tmp/device", O_WRONLY));
	unlink("/tmp/device");
}

static int call_by_name(const char *name)
{
	if (strcmp(name, "mkdir") == 0)
		return mkdir("/tmp/made", 0700);
	if (strcmp(name, "unshare-uts") == 0)
		return unshare(CLONE_NEWUTS);
	if (strcmp(name, "unshare-user") == 0)
		return unshare(CLONE_NEWUSER);
	if (strcmp(name, "mount") == 0)
		return mount("none", "/tmp", "tmpfs", 0, NULL);
	if (strcmp(name, "sethostname") == 0)
		return sethostname("other", 5);
	if (strcmp(name, "chroot") == 0)
		return chroot("/");
	if (strcmp(name, "kcmp") == 0)
		return syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 0);
	if (strcmp(name, "socket-raw") == 0)
		return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 1);
	if (strcmp(name, "socket-vsock") == 0)
		return socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (strcmp(name, "unknown") == 0)
		return syscall(4000);
	errno = EINVAL;
	return -1;
}

/* In a child: what the call changes does not touch the rest of the report, and a filter may kill
 * it. */
static void ask_call(const char *name)
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		printf("call %s %s\n", name, probe_result(call_by_name(name)));
		fflush(stdout);
		_exit(0);
	}
	if (child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status))
		printf("call %s killed by signal %d\n", name, WTERMSIG(status));
}

/* "memory/memory.max": a file of the own control group, of that controller, below /cg. */
static void ask_cgroup(const char *file)
{
	const char *slash = strchr(file, '/');
	size_t length = slash ? (size_t)(slash - file) : 0;
	char line[4096], path[8192];
	FILE *groups = fopen("/proc/self/cgroup", "re");

	while (groups && fgets(line, sizeof line, groups)) {
		char *controller = strchr(line, ':') + 1;
		char *group = strchr(controller, ':');

		*group++ = '\0';
		group[strcspn(group, "\n")] = '\0';
		if (strlen(controller) != length || strncmp(controller, file, length) != 0)
			continue;
		snprintf(path, sizeof path, "/cg/%s%s%s", controller, group, slash);
		print_file(file, path);
	}
	if (groups)
		fclose(groups);
}

int probe_ask(const char *word, const char *value)
{
	static const struct {
		const char *word;
		void (*ask)(const char *value);
	} questions[] = {
		{ "--open", ask_open },     { "--stat", ask_stat },     { "--create", ask_create },
		{ "--read", ask_read },     { "--device", ask_device }, { "--call", ask_call },
		{ "--cgroup", ask_cgroup },
	};

	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
		if (strcmp(word, questions[i].word) == 0) {
			questions[i].ask(value);
			return 1;
		}
	}
	return 0;
}
