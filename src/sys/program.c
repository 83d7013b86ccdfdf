/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/program.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/sys/compat.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

const char *program_find(struct arena *arena, const char *name, const char *places)
{
	const char *path = getenv("PATH"), *dir;
	struct stat st;

	dir = arena_strf(arena, "%s:%s", path ? path : "", places);
	while (*dir) {
		size_t len = strcspn(dir, ":");
		const char *file = arena_strf(arena, "%.*s/%s", (int)len, dir, name);

		if (*dir == '/' && stat(file, &st) == 0 && S_ISREG(st.st_mode) &&
		    access(file, X_OK) == 0)
			return file;
		dir += len + (dir[len] == ':');
	}
	return NULL;
}

int program_memfd(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 every memfd is executable */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return compat_result(COMPAT_MEMFD_CREATE, fd);
}

int program_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;
}

bool program_is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

int program_exec(int fd, char *const *argv)
{
	int r = compat_result(COMPAT_EXECVEAT,
			      syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH));

	/* TOMOYO expects /dev/fd, which a bare /dev lacks. */
	if (r == -ENOSYS || r == -ENOENT) {
		(void)execve(fd_path(fd).text, argv, environ);
		r = -errno;
	}
	return r;
}

static struct {
	char *start;
	size_t len;
} shown;

static void keep(struct arena *arena, char **words)
{
	for (; *words; words++) {
		size_t len = strlen(*words) + 1;

		if (*words == shown.start + shown.len) /* adjacent, as the kernel stores them */
			shown.len += len;
		*words = arena_strdup(arena, *words);
	}
}

void program_keep_words(struct arena *arena, char **argv)
{
	shown.start = argv[0];
	keep(arena, argv);
	keep(arena, environ);
}

void program_show_title(const char *title)
{
	size_t len = strlen(title);

	if (!shown.len)
		return;
	memset(shown.start, 0, shown.len);
	memcpy(shown.start, title, len < shown.len ? len : shown.len - 1);
}

/* The kernel's PF_FORKNOEXEC: exec clears it at the point of no return, before it closes
 * descriptors. */
#define CLONED_ONLY 0x40U

int program_was_executed(pid_t pid)
{
	char path[32], text[1024], *p;
	unsigned int flags;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = io_read_small(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	p = strrchr(text, ')'); /* the process name may contain anything */
	if (!p || sscanf(p, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1)
		return -EINVAL;
	return !(flags & CLONED_ONLY);
}

/* Only a caller that keeps this many descriptors open has any above it. */
#define MANY 65536
#define AT_ONCE 512

void program_close_far(void)
{
	(void)syscall(SYS_close_range, MANY, ~0U, 0);
}

/* Replaces close_range() where that is refused: poll() tells for many numbers at once which are
 * open. /proc may be missing or another namespace's. */
static void do_to_each(int first, int last, void (*act)(int fd))
{
	struct pollfd fds[AT_ONCE];
	int n;

	for (int from = first; from <= last && from < MANY; from += n) {
		for (n = 0; n < AT_ONCE && from + n <= last; n++)
			fds[n] = (struct pollfd){ .fd = from + n };
		/* Refused too, or RLIMIT_NOFILE is below AT_ONCE: any may be open. */
		if (poll(fds, (nfds_t)n, 0) < 0)
			for (int i = 0; i < n; i++)
				fds[i].revents = 0;
		for (int i = 0; i < n; i++)
			if (!(fds[i].revents & POLLNVAL))
				act(fds[i].fd);
	}
}

static void set_cloexec(int fd)
{
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void close_one(int fd)
{
	(void)close(fd);
}

void program_cloexec_from(int first)
{
	if (syscall(SYS_close_range, (unsigned int)first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		do_to_each(first, INT_MAX, set_cloexec);
}

void program_close_range(int first, int last)
{
	if (syscall(SYS_close_range, (unsigned int)first, (unsigned int)last, 0) < 0)
		do_to_each(first, last, close_one);
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void program_close_others(int first, int *keep, size_t n)
{
	qsort(keep, n, sizeof(*keep), by_number);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < first)
			continue;
		if (keep[i] > first)
			program_close_range(first, keep[i] - 1);
		first = keep[i] + 1;
	}
	program_close_range(first, INT_MAX);
}

void program_reset_signals(uint64_t ignored)
{
	static const struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int signal = 1; signal <= 64; signal++)
		if (ignored & 1ULL << (signal - 1)) /* SIGKILL, SIGSTOP and two of libc's fail */
			(void)sigaction(signal, &standard, NULL);
}

void program_keep_children(void)
{
	(void)signal(SIGCHLD, SIG_DFL);
}

bool program_stay_behind(const char *title, int *keep, size_t n)
{
	int null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);

	program_show_title(title);
	(void)prctl(PR_SET_NAME, title, 0, 0, 0);
	(void)setsid();
	program_reset_signals(~0ULL);
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		(void)dup2(null, fd);
	program_close_others(3, keep, n); /* closes null, too */
	return chdir("/") == 0;
}
