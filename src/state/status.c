/* SPDX-License-Identifier: Apache-2.0 */
#include "src/state/status.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/sys/pidfd.h"
#include "src/sys/privs.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* Fields of /proc/PID/stat, proc(5). */
enum {
	FIELD_STATE = 3,
	FIELD_FLAGS = 9,
	FIELD_THREADS = 20,
	FIELD_START_TIME = 22,
	FIELD_EXIT = 52,
};
enum { FLAG_EXITING = 4 };
enum { HIDDEN_MS = 2000 };

/* The name in parentheses may contain anything, so fields are counted from the last ")". "" if the
 * field is missing. */
static const char *stat_field(const char *text, int number)
{
	const char *p = strrchr(text, ')');

	for (int field = FIELD_STATE - 1; p && field < number; field++)
		p = strchr(p + 1, ' ');
	return p ? p + 1 : "";
}

/* 0 if the field is not a number. */
static uint64_t stat_number(const char *text, int number)
{
	return strtoull(stat_field(text, number), NULL, 10);
}

uint64_t status_parse_stat(const char *text)
{
	char state = *stat_field(text, FIELD_STATE);

	/* A thread group leader that has exited shows as a zombie even while other threads run. */
	if ((state == 'Z' || state == 'X') && stat_number(text, FIELD_THREADS) <= 1)
		return 0;
	return stat_number(text, FIELD_START_TIME);
}

int status_parse_end(const char *text, uint64_t start_time)
{
	uint64_t end = stat_number(text, FIELD_EXIT);

	if (*stat_field(text, FIELD_STATE) != 'Z' ||
	    stat_number(text, FIELD_START_TIME) != start_time)
		return -1;
	/* Readers without permission see 0, too. */
	return end && end <= INT_MAX ? (int)end : -1;
}

int status_unreaped(const struct state *state)
{
	char path[32], text[1024];

	if (!state->pid.set || !state->start_time.set || status_has_rebooted(state))
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)state->pid.v);
	if (io_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return -1;
	return status_parse_end(text, state->start_time.v);
}

static bool read_flags(pid_t pid, char *ret_state, unsigned int *ret_flags)
{
	char path[32], text[1024];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (io_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return false;
	*ret_state = *stat_field(text, FIELD_STATE);
	*ret_flags = (unsigned int)stat_number(text, FIELD_FLAGS);
	return *ret_state;
}

bool status_waits_for_zombie(pid_t pid)
{
	unsigned int flags;
	char state;

	/* A process stuck on I/O is in state D. */
	return read_flags(pid, &state, &flags) && state == 'S' && (flags & FLAG_EXITING);
}

bool status_is_dying(pid_t pid)
{
	static const char fields[][8] = { "SigPnd", "ShdPnd" };
	struct io_status status;
	unsigned int flags;
	char state;

	if (io_read_status(pid, &status) < 0)
		return false;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *pending = io_status_field(&status, fields[i]);

		if (pending && (strtoull(pending, NULL, 16) & 1ULL << (SIGKILL - 1)))
			return true;
	}
	/* The signal may have arrived since the status was read. */
	return read_flags(pid, &state, &flags) && (flags & FLAG_EXITING);
}

/* With hidepid, the owner of a user namespace sees its processes with other ids only while they are
 * dumpable: init is while it waits, and again after its exec. */
static bool is_hidden(ssize_t n)
{
	return n == -EPERM || n == -ENOENT;
}

/* An unprivileged caller has containers only in its own user namespaces, where it may signal every
 * process: EPERM means that the pid has been reused. */
static bool is_gone(pid_t pid)
{
	return kill(pid, 0) < 0 && (errno == ESRCH || !privs_effective());
}

static ssize_t read_shown(pid_t pid, const char *path, char *text, size_t size)
{
	static const struct timespec moment = { .tv_nsec = 5 * 1000 * 1000 };
	long long deadline = 0;

	for (;;) {
		ssize_t n = io_read_small(AT_FDCWD, path, text, size);

		if (!is_hidden(n))
			return n;
		if (is_gone(pid))
			return -ESRCH;
		if (!deadline)
			deadline = clock_now() + HIDDEN_MS;
		if (!clock_left(deadline))
			return -EPERM;
		(void)nanosleep(&moment, NULL);
	}
}

int status_start_time(pid_t pid, uint64_t *ret, struct err *err)
{
	char path[32], text[1024];
	ssize_t n;

	*ret = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = read_shown(pid, path, text, sizeof(text));
	if (n == -ESRCH)
		return 0;
	if (n == -EPERM) {
		(void)err_set(err, EIO, "read %s: it is hidden, although the process exists", path);
		return err_hint(err, "is /proc mounted with hidepid?");
	}
	if (n < 0)
		return err_errno(err, (int)-n, "read %s", path);
	*ret = status_parse_stat(text);
	return 0;
}

/* All files of a procfs come from the kernel, but some contain text that a process chooses: the
 * name tells which file it is. */
static bool is_stat_of(int fd, pid_t pid)
{
	char link[32], name[32], path[PATH_MAX];
	struct stat file, proc;
	ssize_t n;
	int len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = snprintf(name, sizeof(name), "/%d/stat", (int)pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < len || fstat(fd, &file) < 0 || stat("/proc", &proc) < 0)
		return false;
	path[n] = '\0';
	return file.st_dev == proc.st_dev && str_equal(path + n - len, name);
}

static bool is_of_a_procfs(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

uint64_t status_start_time_in(int fd, pid_t pid)
{
	char text[1024];
	ssize_t n;

	if (fd < 0 || !(pid ? is_stat_of(fd, pid) : is_of_a_procfs(fd)))
		return 0;
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return status_parse_stat(text);
}

/* "" if it cannot be read. Cached, since `list` asks for every container. */
static const char *boot_id(void)
{
	static char id[64];

	if (!*id && io_read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", id, sizeof(id)) <= 0)
		*id = '\0';
	return id;
}

const char *status_boot_id(struct arena *arena)
{
	return arena_strdup(arena, boot_id());
}

bool status_has_rebooted(const struct state *state)
{
	return state->boot_id && *state->boot_id && *boot_id() &&
	       !str_equal(state->boot_id, boot_id());
}

/* 1: it is the container's process, 0: it is not. */
static int has_start_time(const struct state *state, struct err *err)
{
	uint64_t start;
	int r;

	if (!state->start_time.set || !state->start_time.v)
		return 0;
	r = status_start_time((pid_t)state->pid.v, &start, err);
	if (r < 0)
		return r;
	return start == state->start_time.v;
}

/* Whether the pidfd's number was recorded in this boot: comparing it proves the same in half the
 * time. The numbers restart at every boot. */
static bool has_number(const struct state *state)
{
	return state->pid_number.set && state->boot_id && *state->boot_id && *boot_id();
}

/* The same as has_start_time(), for the process that the pidfd (or -errno) refers to. */
static int same_process(const struct state *state, int pidfd, struct err *err)
{
	uint64_t number = 0;
	int r;

	if (pidfd >= 0 && has_number(state) && pidfd_is_numbered(pidfd))
		number = pidfd_number(pidfd);
	if (number && number != state->pid_number.v)
		return 0;
	r = number ? pidfd_wait(pidfd, 0) : -ENOTSUP;
	if (r == 0 || r == -ETIMEDOUT)
		return r != 0;
	return has_start_time(state, err);
}

int status_of(const struct state *state, int *ret_pidfd, struct err *err)
{
	_cleanup_close_ int pidfd = -1;
	int r;

	if (ret_pidfd)
		*ret_pidfd = -1;
	if (!state->pid.set)
		return state->phase == STATE_CREATING && !state->abandoned ? STATUS_CREATING
									   : STATUS_STOPPED;
	/* Start times count from boot, so after a reboot another process may have the same pid and
	 * time. Do not even query it: that may be forbidden. */
	if (status_has_rebooted(state))
		return STATUS_STOPPED;
	if (ret_pidfd || has_number(state))
		pidfd = pidfd_open_process((pid_t)state->pid.v);
	if (pidfd == -ESRCH)
		return STATUS_STOPPED;
	/* Open the pidfd first: what it refers to cannot change during the comparison. */
	r = same_process(state, pidfd, err);
	if (r <= 0)
		return r < 0 ? r : STATUS_STOPPED;
	if (ret_pidfd && pidfd < 0)
		return err_errno(err, -pidfd, "open the process %lld of container %s",
				 (long long)state->pid.v, state->id);
	r = 0;
	if (state->phase != STATE_CREATING && cgroup_place_is_group(&state->cgroup))
		r = driver_is_frozen(&state->cgroup, err);
	if (r < 0)
		return r;
	if (ret_pidfd)
		*ret_pidfd = fd_take(&pidfd);
	if (state->phase == STATE_CREATING)
		return STATUS_CREATING;
	if (r > 0)
		return STATUS_PAUSED;
	return state->phase == STATE_STARTED ? STATUS_RUNNING : STATUS_CREATED;
}

const char *status_name(enum status status)
{
	static const char names[][12] = { "creating", "created", "running", "paused", "stopped" };

	return names[status];
}

bool status_is_elsewhere(const struct state *state, int dirfd)
{
	return status_has_rebooted(state) && store_is_shared(dirfd);
}

/* A `do` sandbox whose usrun was killed: nobody will ask how it ended. From another pid namespace
 * its process cannot be seen. */
static bool is_left_sandbox(const struct state *state)
{
	struct err ignored;
	struct stat ns;

	return state->sandbox.set && stat("/proc/self/ns/pid", &ns) == 0 &&
	       ns.st_ino == state->sandbox.v && status_of(state, NULL, &ignored) == STATUS_STOPPED;
}

const char *status_why_dead(const struct state *state, int dirfd)
{
	if (status_is_elsewhere(state, dirfd))
		return NULL;
	if (status_has_rebooted(state))
		return "the machine has booted since";
	if (state->phase == STATE_CREATING)
		return "its creation was cut off";
	return is_left_sandbox(state) ? "it has ended with its usrun" : NULL;
}
