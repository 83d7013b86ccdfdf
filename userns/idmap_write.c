/* SPDX-License-Identifier: Apache-2.0 */
#include "userns/idmap_write.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/sys/child.h"
#include "src/sys/program.h"
#include "userns/probe.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HELPER_TIMEOUT_MS = 10000, HELPERS = 2, WORDS_MAX = 512 };

/* Precedes the errno that a child reports when it cannot execute the helper. */
static const char exec_failed = '\1';

static int write_file(const struct idmap_write *write, pid_t pid, const char *file,
		      const char *text, struct err *err)
{
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	r = io_write_at(AT_FDCWD, path, text);
	return r < 0 ? idmap_explain_direct(write, pid, file, -r, err) : 0;
}

/* The only possible order: without CAP_SETGID in the parent namespace, the kernel accepts a gid_map
 * only after "deny", and refuses "deny" after a gid_map. */
static int write_direct(struct arena *arena, const struct idmap_write *write, pid_t pid,
			struct err *err)
{
	int r = 0;

	if (write->writer == IDMAP_WRITER_SINGLE)
		r = write_file(write, pid, "setgroups", "deny", err);
	if (r == 0)
		r = write_file(write, pid, "gid_map", idmap_format(arena, &write->gid), err);
	if (r == 0)
		r = write_file(write, pid, "uid_map", idmap_format(arena, &write->uid), err);
	return r;
}

struct helper {
	enum idmap_explain_which which;
	struct child child;
	int words;
	char said[WORDS_MAX];
	struct idmap_explain_end end;
};

static const char *number(struct arena *arena, uint32_t value)
{
	return arena_strf(arena, "%u", value);
}

/* newuidmap PID inside outside count … */
static const char **arguments(struct arena *arena, const char *name, pid_t pid,
			      const struct idmap *map)
{
	const char **argv = arena_array(arena, map->n * 3 + 3, sizeof(*argv));
	size_t n = 0;

	argv[n++] = name;
	argv[n++] = number(arena, (uint32_t)pid);
	for (size_t i = 0; i < map->n; i++) {
		argv[n++] = number(arena, map->v[i].inside);
		argv[n++] = number(arena, map->v[i].outside);
		argv[n++] = number(arena, map->v[i].count);
	}
	argv[n] = NULL;
	return argv;
}

/* A setuid program must inherit nothing from us: it gets a clean environment, the write end of a
 * pipe as 0, 1 and 2, no other descriptors, and no blocked signals. */
static void become_helper(const char *path, const char *const *argv, int words)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C", NULL };
	char report[1 + sizeof(int)] = { exec_failed };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(words, 0) == 0 && dup2(words, 1) == 1 && dup2(words, 2) == 2) {
		program_close_others(3, &words, 1);
		(void)execve(path, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
	}
	memcpy(report + 1, &errno, sizeof(int));
	(void)io_write_all(words, report, sizeof(report));
	child_exit(127);
}

static int start(struct arena *arena, const struct idmap_write *write, pid_t pid,
		 struct helper *helper, struct err *err)
{
	bool uid = helper->which == IDMAP_EXPLAIN_UID;
	const char *path = uid ? write->newuidmap : write->newgidmap;
	const char **argv = arguments(arena, uid ? "newuidmap" : "newgidmap", pid,
				      uid ? &write->uid : &write->gid);
	struct clone_request request = { .cgroup_fd = -1 };
	pid_t made;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "start %s", argv[0]);
	helper->words = fds[0];
	made = child_clone(&request, &helper->child);
	if (made == 0)
		become_helper(path, argv, fds[1]);
	fd_closep(&fds[1]);
	return made < 0 ? err_errno(err, (int)-made, "start %s", argv[0]) : 0;
}

static void reap(struct helper *helper, pid_t target)
{
	int r = child_reap(&helper->child, HELPER_TIMEOUT_MS, &helper->end.status);

	fd_closep(&helper->child.pidfd);
	helper->child.pid = 0;
	/* Without an exit status, see whether the map was written. */
	if (r < 0 && !idmap_explain_is_written(
			     target, helper->which == IDMAP_EXPLAIN_UID ? "uid_map" : "gid_map"))
		helper->end.status = 1 << 8;
}

/* Kills a helper that is too slow. We may: a setuid program keeps our real uid. */
static void finish(struct helper *helper, bool ended, pid_t target)
{
	if (!ended) {
		helper->end.timed_out = true;
		(void)child_signal(&helper->child, SIGKILL);
	}
	reap(helper, target);
}

/* Waits for the running helpers, but not for ever: they may query a directory service that is
 * down. */
static void wait_for(struct helper helpers[HELPERS], pid_t target)
{
	long long deadline = clock_now() + HELPER_TIMEOUT_MS;

	while (child_is_there(&helpers[0].child) || child_is_there(&helpers[1].child)) {
		struct pollfd fds[HELPERS];
		int left = clock_left(deadline);

		for (int i = 0; i < HELPERS; i++)
			fds[i] = (struct pollfd){ .fd = helpers[i].child.pidfd, .events = POLLIN };
		if (poll(fds, HELPERS, left) < 0)
			continue;
		for (int i = 0; i < HELPERS; i++)
			if (child_is_there(&helpers[i].child) && (fds[i].revents || left == 0))
				finish(&helpers[i], fds[i].revents != 0, target);
	}
}

/* Reads the helper's output, or the report that it could not be executed. */
static void read_words(struct helper *helper)
{
	char *said = helper->said;
	ssize_t n;

	/* The helper has ended; a process that it left behind must not block us. */
	(void)fcntl(helper->words, F_SETFL, O_NONBLOCK);
	n = read(helper->words, said, sizeof(helper->said) - 1);
	said[n > 0 ? n : 0] = '\0';
	if (n == 1 + (ssize_t)sizeof(int) && said[0] == exec_failed) {
		memcpy(&helper->end.exec_error, said + 1, sizeof(int));
		said[0] = '\0';
	}
	helper->end.words = said;
}

static int report(const struct idmap_write *write, pid_t pid, struct helper *helper,
		  struct err *err)
{
	if (!helper->end.timed_out && helper->end.status == 0)
		return 0;
	read_words(helper);
	return idmap_explain_helper(write, pid, &helper->end, err);
}

/* Runs both helpers at once: each takes about two milliseconds, and neither depends on the
 * other. */
static int write_by_helpers(struct arena *arena, const struct idmap_write *write, pid_t pid,
			    struct err *err)
{
	struct helper helpers[HELPERS] = { 0 };
	int r = 0;

	for (int i = 0; i < HELPERS; i++) {
		helpers[i].which = helpers[i].end.which =
			i == 0 ? IDMAP_EXPLAIN_UID : IDMAP_EXPLAIN_GID;
		helpers[i].child = (struct child)CHILD_NONE;
		helpers[i].words = -1;
	}
	for (int i = 0; r == 0 && i < HELPERS; i++)
		r = start(arena, write, pid, &helpers[i], err);
	wait_for(helpers, pid);
	for (int i = 0; r == 0 && i < HELPERS; i++)
		r = report(write, pid, &helpers[i], err);
	for (int i = 0; i < HELPERS; i++) {
		fd_closep(&helpers[i].words);
	}
	return r;
}

/* Refuses a bad map before anything is written. A map must fit in one write(2) of less than a page,
 * which not every map of 340 ranges does. */
static int check(struct arena *arena, const struct idmap *map, const char *what, struct err *err)
{
	const char *path = arena_strf(arena, "%s map", what);
	long page = sysconf(_SC_PAGESIZE);
	size_t len;

	if (idmap_is_empty(map))
		return err_set(err, EINVAL, "%s: empty, but the kernel requires at least one range",
			       path);
	len = strlen(idmap_format(arena, map));
	if (map->n <= IDMAP_MAX_RANGES && len >= (size_t)page) {
		(void)err_set(
			err, EINVAL,
			"%s: %zu ranges need %zu characters, but the kernel takes less than %ld",
			path, map->n, len, page);
		return err_hint(err, "map fewer, longer ranges");
	}
	return idmap_check(map, what, path, err);
}

int idmap_write(const struct idmap_write *write, pid_t pid, struct err *err)
{
	struct arena arena = { 0 };
	int r = check(&arena, &write->uid, "uid", err);

	if (r == 0)
		r = check(&arena, &write->gid, "gid", err);
	if (r == 0 && write->writer == IDMAP_WRITER_HELPER)
		r = write_by_helpers(&arena, write, pid, err);
	else if (r == 0)
		r = write_direct(&arena, write, pid, err);
	arena_free(&arena);
	return r;
}

enum { DEATH_TIMEOUT_MS = 10000 };

/* Waits for the pipe to close, which it does when we are done or dead. */
static __attribute__((noreturn)) void hold(int pipe_fds[2])
{
	char nothing;

	fd_closep(&pipe_fds[1]);
	while (read(pipe_fds[0], &nothing, 1) < 0 && errno == EINTR)
		;
	child_exit(0);
}

static int write_and_open(const struct idmap_write *write, pid_t pid, struct err *err)
{
	char path[64];
	int fd, r = idmap_write(write, pid, err);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, errno, "open the user namespace of a mapping") : fd;
}

int idmap_write_fd(const struct idmap_write *write, struct err *err)
{
	struct clone_request request = { .flags = CLONE_NEWUSER, .cgroup_fd = -1 };
	struct child holder = CHILD_NONE;
	int pipe_fds[2], fd;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "create a user namespace for a mapping");
	pid = child_clone(&request, &holder);
	if (pid == 0)
		hold(pipe_fds);
	fd = pid < 0 ? probe_userns_refused((int)-pid, err) : write_and_open(write, pid, err);
	fd_closep(&pipe_fds[0]);
	fd_closep(&pipe_fds[1]);
	(void)child_end(&holder, DEATH_TIMEOUT_MS);
	return fd;
}
