/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/state/status.h"
#include "src/sys/pidfd.h"
#include "tests/lib/check.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err err;

static uint64_t start_of(pid_t pid)
{
	uint64_t start = 0;

	CHECK_INT(status_start_time(pid, &start, &err), 0);
	return start;
}

static struct state of_pid(pid_t pid, int phase)
{
	return (struct state){ .id = "x",
			       .phase = phase,
			       .pid = { true, pid },
			       .start_time = { true, start_of(pid) },
			       .cgroup.kind = CGROUP_DRIVER_NONE };
}

TEST(derived_from_the_process)
{
	struct state state = of_pid(getpid(), STATE_STARTED);
	_cleanup_close_ int pidfd = -1;

	CHECK_INT(status_of(&state, &pidfd, &err), STATUS_RUNNING);
	CHECK(pidfd >= 0);
	state.phase = STATE_CREATED;
	CHECK_INT(status_of(&state, NULL, &err), STATUS_CREATED);
	state.start_time.v++; /* another process has that pid now */
	fd_closep(&pidfd);
	CHECK_INT(status_of(&state, &pidfd, &err), STATUS_STOPPED);
	CHECK_INT(pidfd, -1);
	state.start_time.v = 0; /* what a process that is gone would have */
	CHECK_INT(status_of(&state, NULL, &err), STATUS_STOPPED);
}

/* With no descriptor left a paused container would be taken for a running one. */
TEST(a_freezer_that_cannot_be_read_is_an_error)
{
	char group[] = "/tmp/usrun-test-status-XXXXXX", *file = NULL;
	struct cgroup_dir dir = { .controllers = "freezer", .mount = "/tmp" };
	struct state state = of_pid(getpid(), STATE_STARTED);
	_cleanup_close_ int pidfd = -1;

	CHECK(mkdtemp(group) != NULL);
	dir.path = group + strlen("/tmp");
	state.cgroup = (struct cgroup_place){ CGROUP_DRIVER_V1, { &dir, 1 } };
	CHECK_INT(status_of(&state, NULL, &err), STATUS_RUNNING); /* the group is gone */
	CHECK(asprintf(&file, "%s/freezer.state", group) > 0);
	CHECK_INT(mkdir(file, 0700), 0); /* EISDIR, for root too */
	CHECK_ERR(status_of(&state, &pidfd, &err), &err, "freezer.state: is a directory");
	CHECK_INT(pidfd, -1);
	CHECK_INT(rmdir(file), 0);
	CHECK_INT(rmdir(group), 0);
	free(file);
}

TEST(another_boot_is_over)
{
	struct state state = of_pid(getpid(), STATE_STARTED);
	struct arena arena = { 0 };

	state.boot_id = status_boot_id(&arena);
	CHECK(*state.boot_id);
	CHECK_INT(status_of(&state, NULL, &err), STATUS_RUNNING);
	state.boot_id = "00000000-0000-0000-0000-000000000000";
	CHECK_INT(status_of(&state, NULL, &err), STATUS_STOPPED);
	arena_free(&arena);
}

TEST(before_there_is_a_process)
{
	struct state state = { .phase = STATE_CREATING };

	CHECK_INT(status_of(&state, NULL, &err), STATUS_CREATING);
	state.abandoned = true;
	CHECK_INT(status_of(&state, NULL, &err), STATUS_STOPPED);
}

TEST(a_zombie_is_stopped)
{
	struct state state;
	siginfo_t info;
	pid_t pid = fork();
	int end;

	if (pid == 0)
		(void)pause();
	state = of_pid(pid, STATE_STARTED);
	CHECK_INT(status_of(&state, NULL, &err), STATUS_RUNNING);
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_INT(status_of(&state, NULL, &err), STATUS_STOPPED);
	end = status_unreaped(&state);
	CHECK(end == SIGKILL || end == -1); /* not every kernel tells it all */
	state.start_time.v++;               /* another process */
	CHECK_INT(status_unreaped(&state), -1);
	state.start_time.v--;
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_INT(status_of(&state, NULL, &err), STATUS_STOPPED);
	CHECK_INT(status_unreaped(&state), -1);
}

/* As create writes it where the kernel numbers processes. */
static struct state of_number(pid_t pid, struct arena *arena)
{
	_cleanup_close_ int pidfd = pidfd_open_process(pid);
	struct state state = of_pid(pid, STATE_STARTED);

	CHECK(pidfd_number(pidfd) != 0);
	state.pid_number = (struct json_uint){ true, pidfd_number(pidfd) };
	state.boot_id = status_boot_id(arena);
	return state;
}

static bool are_numbered(void)
{
	_cleanup_close_ int pidfd = pidfd_open_process(getpid());

	return pidfd_is_numbered(pidfd) && pidfd_number(pidfd);
}

TEST(the_number_tells_more_than_the_start_time)
{
	struct arena arena = { 0 };
	struct state state = { 0 };
	pid_t pid = fork();

	if (pid == 0)
		(void)pause();
	if (are_numbered()) {
		state = of_number(pid, &arena);
		CHECK_INT(status_of(&state, NULL, &err), STATUS_RUNNING);
		state.start_time.v++; /* nobody looks */
		CHECK_INT(status_of(&state, NULL, &err), STATUS_RUNNING);
		state.start_time.v--;
		state.pid_number.v++; /* another process got pid and start time */
		CHECK_INT(status_of(&state, NULL, &err), STATUS_STOPPED);
		state.boot_id = ""; /* which numbers these are is not known */
		CHECK_INT(status_of(&state, NULL, &err), STATUS_RUNNING);
	}
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	arena_free(&arena);
}

TEST(a_zombie_with_its_number_is_stopped)
{
	struct arena arena = { 0 };
	struct state state = { 0 };
	siginfo_t info;
	pid_t pid = fork();
	int pidfd;

	if (pid == 0)
		(void)pause();
	if (are_numbered())
		state = of_number(pid, &arena);
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_INT(status_of(&state, NULL, &err), STATUS_STOPPED);
	CHECK_INT(status_of(&state, &pidfd, &err), STATUS_STOPPED);
	CHECK_INT(pidfd, -1);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_INT(status_of(&state, NULL, &err), STATUS_STOPPED);
	arena_free(&arena);
}

enum { NO_FILTERS = 77 }; /* of an emulated processor */

/* 0, or which look was wrong. */
static int look_through_stand_ins(struct state *state)
{
	struct sock_filter none[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(none) / sizeof(none[0]), none };
	_cleanup_close_ int real = pidfd_open_process(getpid());
	_cleanup_close_ int pidfd = -1;

	(void)pidfd_is_numbered(real); /* is known from here on */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return NO_FILTERS;
	if (status_of(state, &pidfd, &err) != STATUS_RUNNING)
		return 1;
	if (pidfd_number(pidfd) != 0)
		return 2;
	state->start_time.v++;
	return status_of(state, NULL, &err) == STATUS_STOPPED ? 0 : 3;
}

/* A filter around the command, and none around create. */
TEST(stand_ins_have_no_number)
{
	struct arena arena = { 0 };
	struct state state = of_pid(getpid(), STATE_STARTED);
	int result = -1;
	pid_t pid;

	if (are_numbered())
		state = of_number(getpid(), &arena);
	pid = fork();
	if (pid == 0)
		_exit(look_through_stand_ins(&state));
	CHECK_INT(waitpid(pid, &result, 0), pid);
	CHECK(WIFEXITED(result));
	CHECK_INT(WEXITSTATUS(result) % NO_FILTERS, 0);
	arena_free(&arena);
}

static void *wait_in_a_thread(void *pipe)
{
	pid_t *at = pipe, tid = (pid_t)syscall(SYS_gettid);

	CHECK_INT(write(at[1], &tid, sizeof(tid)), sizeof(tid));
	(void)read(at[2], &tid, 1); /* until the other end is closed */
	return NULL;
}

/* pidfd_open() refuses it, which must not keep anybody from saying that the container is over. */
TEST(its_pid_is_a_thread_by_now)
{
	int told[2], held[2], fds[3], pidfd;
	pthread_t thread;
	struct state state;
	pid_t tid = 0;

	CHECK_INT(pipe(told), 0);
	CHECK_INT(pipe(held), 0);
	fds[1] = told[1];
	fds[2] = held[0];
	CHECK_INT(pthread_create(&thread, NULL, wait_in_a_thread, fds), 0);
	CHECK_INT(read(told[0], &tid, sizeof(tid)), sizeof(tid));
	state = of_pid(tid, STATE_STARTED);
	state.start_time.v--;
	CHECK_INT(status_of(&state, &pidfd, &err), STATUS_STOPPED);
	CHECK_INT(status_of(&state, NULL, &err), STATUS_STOPPED);
	fd_closep(&held[1]);
	CHECK_INT(pthread_join(thread, NULL), 0);
	fd_closep(&held[0]);
	fd_closep(&told[0]);
	fd_closep(&told[1]);
}

static uint64_t parse(const char *name, char state, int threads)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
		       "42 (%s) %c 1 42 42 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 %d 0 4711 8192 33 "
		       "18446744073709551615 1",
		       name, state, threads);
	return status_parse_stat(text);
}

TEST(the_line_of_a_process)
{
	char zombie[] =
		"42 (a) b) Z 1 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 7 23 24 25 26 "
		"27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 9\n";
	char hidden[] =
		"42 (a) Z 1 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 7 23 24 25 26 "
		"27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 0\n";
	char alive[] =
		"42 (a) S 1 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 7 23 24 25 26 "
		"27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 9\n";
	char none[] = "", bare[] = "42", open_only[] = "42 (sh", short_line[] = "42 (sh) S 1 2 3";

	CHECK_INT(parse("sh", 'S', 1), 4711);
	CHECK_INT(parse("a b) R 1 (", 'S', 1), 4711);
	CHECK_INT(parse(")", 'R', 1), 4711);
	CHECK_INT(parse("sh", 'Z', 1), 0);
	CHECK_INT(parse("sh", 'X', 1), 0);
	CHECK_INT(parse("sh", 'Z', 0), 0);
	CHECK_INT(status_parse_end(zombie, 7), 9);
	CHECK_INT(status_parse_end(hidden, 7), -1);
	CHECK_INT(status_parse_end(alive, 7), -1);
	CHECK_INT(parse("sh", 'Z', 3), 4711); /* its first thread has ended, others go on */
	CHECK_INT(status_parse_stat(none), 0);
	CHECK_INT(status_parse_stat(bare), 0);
	CHECK_INT(status_parse_stat(open_only), 0);
	CHECK_INT(status_parse_stat(short_line), 0);
}

/* Who has no descriptor left cannot look, and must not take the container for one that has
 * ended. */
TEST(nobody_can_say)
{
	struct state state = of_pid(getpid(), STATE_STARTED);
	struct rlimit before, none = { .rlim_cur = 3 };
	struct arena arena = { 0 };
	const char *boot = status_boot_id(&arena);
	int pidfd, r, with, without, numbered;

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
	none.rlim_max = before.rlim_max;
	r = setrlimit(RLIMIT_NOFILE, &none);
	with = status_of(&state, &pidfd, &err);
	without = status_of(&state, NULL, &err);
	state.boot_id = boot;
	state.pid_number = (struct json_uint){ true, 1 };
	numbered = status_of(&state, NULL, &err);
	state.pid_number.set = false;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
	CHECK_INT(r, 0);
	CHECK_INT(with, -EMFILE);
	CHECK_INT(pidfd, -1);
	CHECK_INT(without, -EMFILE);
	CHECK_INT(numbered, -EMFILE);
	CHECK_INT(status_of(&state, NULL, &err), STATUS_RUNNING);
	arena_free(&arena);
}
