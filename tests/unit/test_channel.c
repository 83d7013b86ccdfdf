/* SPDX-License-Identifier: Apache-2.0 */
/* What one process of a start hears of the others, and what somebody who has taken one over can
 * say. */
#include "src/run/channel.h"

#include "src/run/walk.h"
#include "src/sys/pidfd.h"
#include "src/sys/sock.h"
#include "tests/lib/check.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROW = 3, REACHED = 0, NOTE = 1, FAILED = 2, NOTE_SIZE = 640, LONG_MS = 60000 };

/* As the processes of a start have it. */
struct message {
	uint32_t kind, row;
	union {
		char note[NOTE_SIZE];
		struct err err;
	};
};

enum { HEAD = offsetof(struct message, note) };

static struct arena arena;
static struct err err;
static struct plan_options options = { .id = "c" };
static struct plan plan = { .options = &options };

struct scene {
	struct channel *channel;
	struct start start;
};

typedef void (*part_of)(struct scene *scene);

/* One that plays a child's part, and then ends. */
static struct child make(struct scene *scene, enum actor actor, part_of play)
{
	const struct clone_request plain = { .cgroup_fd = -1 };
	struct child child = CHILD_NONE;

	if (child_clone(&plain, &child) == 0) {
		scene->start.me = actor;
		channel_keep_own(scene->channel, &scene->start);
		play(scene);
		_exit(0);
	}
	return child;
}

static void open_scene(struct scene *scene, bool stager)
{
	err = (struct err){ 0 };
	start_init(&scene->start, &plan, &arena);
	CHECK_INT(channel_open(&arena, stager, &scene->channel, &err), 0);
}

static void open_with_init(struct scene *scene, part_of play)
{
	open_scene(scene, false);
	scene->start.init = make(scene, ACTOR_INIT, play);
	channel_keep_own(scene->channel, &scene->start);
}

static void close_scene(struct scene *scene)
{
	channel_close(scene->channel);
	CHECK_INT(child_end(&scene->start.stager, LONG_MS), 0);
	CHECK_INT(child_end(&scene->start.init, LONG_MS), 0);
}

static int await_init(struct scene *scene)
{
	return channel_await(scene->channel, &scene->start, ACTOR_INIT, ROW, NULL, &err);
}

static void say(struct scene *scene, const void *data, size_t len)
{
	if (sock_send(scene->start.lifeline, data, len, -1) < 0)
		_exit(1);
}

static void say_reached(struct scene *scene)
{
	struct message m = { .row = ROW };

	say(scene, &m, HEAD);
}

static void wait_for_ever(struct scene *scene)
{
	(void)scene;
	for (;;)
		(void)pause();
}

static void fail_as_init(struct scene *scene)
{
	struct err why = { 0 };

	(void)err_set(&why, EIO, "what went wrong");
	channel_fail(scene->channel, &why);
}

static void do_nothing(struct scene *scene)
{
	(void)scene;
}

TEST(a_failure_is_heard)
{
	struct scene scene;

	open_with_init(&scene, fail_as_init);
	CHECK_INT(await_init(&scene), -EIO);
	CHECK_STR(err.text, "what went wrong");
	close_scene(&scene);
}

static void wait_for_end(struct scene *scene)
{
	int status;

	while (child_has_ended(&scene->start.init, &status) == 0)
		(void)usleep(1000);
}

/* It had not read our word when it failed. */
TEST(a_failure_is_heard_over_a_reset)
{
	struct scene scene;

	open_scene(&scene, false);
	CHECK_INT(channel_tell(scene.channel, &scene.start, ACTOR_INIT, 2, -1, &err), 0);
	scene.start.init = make(&scene, ACTOR_INIT, fail_as_init);
	channel_keep_own(scene.channel, &scene.start);
	wait_for_end(&scene);
	CHECK_INT(await_init(&scene), -EIO);
	CHECK_STR(err.text, "what went wrong");
	close_scene(&scene);
	/* The same, noticed when the next word is sent. */
	open_with_init(&scene, fail_as_init);
	wait_for_end(&scene);
	CHECK_INT(channel_tell(scene.channel, &scene.start, ACTOR_INIT, 4, -1, &err), -EIO);
	CHECK_STR(err.text, "what went wrong");
	close_scene(&scene);
}

static int fail_in_row(struct start *start, struct err *e)
{
	(void)start;
	return err_set(e, EIO, "what went wrong");
}

static int fail_for_its_end(struct start *start, struct err *e)
{
	(void)pidfd_wait(start->init.pidfd, LONG_MS);
	return err_set(e, EACCES, "what that led to");
}

TEST(a_cause_is_told_before_its_consequence)
{
	static const struct row rows[] = {
		{ .kind = ROW_SPAWN, .who = ACTOR_PARENT, .to = ACTOR_INIT, .name = "clone" },
		{ .kind = ROW_ACT, .who = ACTOR_INIT, .name = "cause", .act = 0 },
		{ .kind = ROW_ACT, .name = "consequence", .act = 1 },
	};
	static int (*const acts[])(struct start *, struct err *) = { fail_in_row,
								     fail_for_its_end };
	const struct sequence sequence = { .rows = rows, .n = 3, .acts = acts };
	struct start start;

	start_init(&start, &plan, &arena);
	CHECK_INT(walk_sequence(&sequence, &start, &err), -EIO);
	CHECK_STR(err.text, "what went wrong");
	CHECK_STR(err.step, "cause");
}

TEST(a_death_is_told_from_a_failure)
{
	struct scene scene;

	open_with_init(&scene, do_nothing);
	CHECK_INT(await_init(&scene), -ECHILD);
	CHECK(strstr(err.text, "exited without an error message") != NULL);
	close_scene(&scene);
}

/* The other end is also held by this process, as by somebody who has stolen it. */
TEST(a_death_is_noticed_where_the_channel_stays_open)
{
	struct scene scene;

	open_scene(&scene, false);
	scene.start.init = make(&scene, ACTOR_INIT, do_nothing);
	CHECK_INT(await_init(&scene), -ECHILD);
	close_scene(&scene);
}

TEST(words_and_notes_are_heard)
{
	struct scene scene;

	open_with_init(&scene, say_reached);
	CHECK_INT(await_init(&scene), 0);
	close_scene(&scene);
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

/* Any datagram, with n descriptors. */
static struct {
	struct message m;
	char beyond[64];
	size_t len;
	int n_fds, times;
} forged;

static void say_forged(struct scene *scene)
{
	char control[CMSG_SPACE(8 * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = &forged, .iov_len = forged.len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (forged.n_fds) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE((size_t)forged.n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)forged.n_fds * sizeof(int));
		memset(CMSG_DATA(c), 0, (size_t)forged.n_fds * sizeof(int));
	}
	for (int i = 0; i < forged.times; i++)
		if (sendmsg(scene->start.lifeline, &msg, MSG_NOSIGNAL) < 0)
			_exit(1);
	wait_for_ever(scene);
}

static void forge(uint32_t kind, uint32_t row, size_t len)
{
	memset(&forged, 0, sizeof(forged));
	forged.m.kind = kind;
	forged.m.row = row;
	forged.len = len;
	forged.times = 1;
}

static void forge_failure(int code)
{
	forge(FAILED, 0, HEAD + sizeof(struct err));
	forged.m.err.code = code;
	strcpy(forged.m.err.step, "a-row");
	strcpy(forged.m.err.text, "a text");
	strcpy(forged.m.err.hint, "a hint");
}

/* With and without the kernel's word about the sender; nothing stays behind. */
static void hear_forged(int wanted)
{
	for (int stager = 0; stager <= 1; stager++) {
		struct scene scene;
		int before, r;

		open_scene(&scene, stager);
		scene.start.init = make(&scene, ACTOR_INIT, say_forged);
		channel_keep_own(scene.channel, &scene.start);
		before = count_fds();
		r = await_init(&scene);
		CHECK_INT(r, wanted);
		CHECK_INT(count_fds(), before);
		close_scene(&scene);
	}
}

TEST(a_word_is_of_its_row_and_length)
{
	forge(REACHED, ROW, HEAD);
	hear_forged(0);
	forge(REACHED, ROW + 1, HEAD);
	hear_forged(-EPROTO);
	forge(REACHED, ROW, HEAD + 4); /* it once said a pid there */
	hear_forged(-EPROTO);
	forge(REACHED, ROW, HEAD - 1);
	hear_forged(-EPROTO);
	forge(REACHED, ROW, 1);
	hear_forged(-EPROTO);
	forge(REACHED, ROW, sizeof(struct message) + 1);
	hear_forged(-EPROTO);
	forge(7, ROW, HEAD);
	hear_forged(-EPROTO);
}

TEST(descriptors_are_taken_only_where_a_row_carries_one)
{
	for (int n = 1; n <= 8; n++) {
		forge(REACHED, ROW, HEAD);
		forged.n_fds = n;
		hear_forged(-EPROTO);
	}
	forge(NOTE, ROW, HEAD + NOTE_SIZE);
	forged.n_fds = 1;
	hear_forged(-EPROTO);
	forge_failure(EIO);
	forged.n_fds = 1;
	hear_forged(-EPROTO);
}

TEST(a_note_ends_within_its_field)
{
	forge(NOTE, ROW, HEAD + NOTE_SIZE);
	memset(forged.m.note, 'x', NOTE_SIZE);
	hear_forged(-EPROTO);
	forge(NOTE, ROW, HEAD + NOTE_SIZE - 1);
	hear_forged(-EPROTO);
	forge(NOTE, ROW, HEAD + sizeof(struct err));
	hear_forged(-EPROTO);
	forge(NOTE, ROW, HEAD + NOTE_SIZE);
	forged.times = 200; /* without end */
	hear_forged(-EPROTO);
}

TEST(a_failure_has_a_code_and_texts_that_end)
{
	forge_failure(EIO);
	hear_forged(-EIO);
	CHECK_STR(err.text, "a text");
	CHECK_STR(err.hint, "a hint");
	CHECK_STR(err.step, "a-row");
	forge_failure(0);
	hear_forged(-EPROTO);
	forge_failure(-EIO);
	hear_forged(-EPROTO);
	forge_failure(4096);
	hear_forged(-EPROTO);
	forge_failure(EIO);
	memset(forged.m.err.step, 'x', sizeof(forged.m.err.step));
	hear_forged(-EPROTO);
	forge_failure(EIO);
	memset(forged.m.err.text, 'x', sizeof(forged.m.err.text));
	hear_forged(-EPROTO);
	forge_failure(EIO);
	memset(forged.m.err.hint, 'x', sizeof(forged.m.err.hint));
	hear_forged(-EPROTO);
	forge_failure(EIO);
	forged.len--;
	hear_forged(-EPROTO);
	forge_failure(EIO);
	strcpy(forged.m.err.text, "\033[2Jgone\r\nroot#");
	strcpy(forged.m.err.step, "\033[2J");
	hear_forged(-EIO);
	CHECK_STR(err.text, "?[2Jgone??root#");
	CHECK_STR(err.step, "");
}

/* --- who it is --- */

static void say_as_somebody(struct scene *scene)
{
	struct message m = { .row = ROW };
	char control[CMSG_SPACE(sizeof(struct ucred))] = { 0 };
	struct iovec iov = { .iov_base = &m, .iov_len = HEAD };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct ucred somebody = { .pid = 1, .uid = getuid(), .gid = getgid() };

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(somebody));
	memcpy(CMSG_DATA(c), &somebody, sizeof(somebody));
	/* Only with CAP_SYS_ADMIN; without it there is nothing to hear. */
	if (sendmsg(scene->start.lifeline, &msg, MSG_NOSIGNAL) < 0)
		_exit(1);
	wait_for_ever(scene);
}

TEST(init_is_the_child_that_speaks)
{
	struct scene scene;
	struct child init;

	open_scene(&scene, true);
	scene.start.stager = make(&scene, ACTOR_STAGER, do_nothing);
	init = make(&scene, ACTOR_INIT, say_reached);
	channel_keep_own(scene.channel, &scene.start);
	CHECK_INT(await_init(&scene), 0);
	CHECK_INT(scene.start.init.pid, init.pid);
	(void)close(init.pidfd);
	close_scene(&scene);
}

TEST(a_process_of_the_host_does_not_become_init)
{
	struct scene scene;
	struct child liar;
	int r;

	open_scene(&scene, true);
	scene.start.stager = make(&scene, ACTOR_STAGER, wait_for_ever);
	liar = make(&scene, ACTOR_INIT, say_as_somebody);
	channel_keep_own(scene.channel, &scene.start);
	if (getuid() != 0)
		CHECK_INT(child_end(&scene.start.stager, LONG_MS), 0);
	r = await_init(&scene);
	CHECK(r == -EPROTO || r == -ECHILD);
	CHECK(!child_is_there(&scene.start.init));
	CHECK_INT(child_end(&liar, LONG_MS), 0);
	close_scene(&scene);
}

TEST(a_word_is_of_the_actor_of_the_row)
{
	struct scene scene;

	/* The stager says that init got somewhere. */
	open_scene(&scene, true);
	scene.start.stager = make(&scene, ACTOR_STAGER, say_reached);
	channel_keep_own(scene.channel, &scene.start);
	CHECK_INT(await_init(&scene), -EPROTO);
	CHECK(!child_is_there(&scene.start.init));
	close_scene(&scene);
	/* Init says that the stager did. */
	open_scene(&scene, true);
	scene.start.stager = make(&scene, ACTOR_STAGER, wait_for_ever);
	scene.start.init = make(&scene, ACTOR_INIT, say_reached);
	channel_keep_own(scene.channel, &scene.start);
	CHECK_INT(channel_await(scene.channel, &scene.start, ACTOR_STAGER, ROW, NULL, &err),
		  -EPROTO);
	close_scene(&scene);
	/* What a stager has failed with is heard where init is waited for. */
	open_scene(&scene, true);
	scene.start.stager = make(&scene, ACTOR_STAGER, fail_as_init);
	channel_keep_own(scene.channel, &scene.start);
	CHECK_INT(await_init(&scene), -EIO);
	close_scene(&scene);
}

/* --- whether it was executed --- */

static void execute(struct scene *scene)
{
	(void)scene;
	(void)execl("/bin/sh", "sh", "-c", "exit 3", (char *)NULL);
}

static void die(struct scene *scene)
{
	(void)scene;
	(void)kill(getpid(), SIGKILL); /* raise() goes by what libc knows of the parent */
}

static void close_and_live(struct scene *scene)
{
	channel_close(scene->channel);
	wait_for_ever(scene);
}

static int await_exec(part_of play)
{
	struct scene scene;
	int r;

	open_with_init(&scene, play);
	r = channel_await_exec(scene.channel, &scene.start, &err);
	close_scene(&scene);
	return r;
}

TEST(only_an_exec_ends_a_start_well)
{
	CHECK_INT(await_exec(execute), 0);
	CHECK_STR(err.text, "");
	CHECK_INT(await_exec(die), -ECHILD);
	CHECK_INT(await_exec(do_nothing), -ECHILD);
	CHECK_INT(await_exec(close_and_live), -ECHILD);
	CHECK_INT(await_exec(say_reached), -EPROTO);
	CHECK_INT(await_exec(fail_as_init), -EIO);
}

/* As `start` has it, whose child it need not be. */
static int wait_on(part_of play)
{
	struct scene scene;
	int pair[2], r;

	open_scene(&scene, false);
	CHECK_INT(sock_pair(pair, &err), 0);
	scene.start.start_connection = pair[1];
	scene.start.init = make(&scene, ACTOR_INIT, play);
	(void)close(pair[1]);
	r = channel_wait_on(pair[0], scene.start.init.pid, scene.start.init.pidfd, &err);
	(void)close(pair[0]);
	close_scene(&scene);
	return r;
}

static void fail_on_connection(struct scene *scene)
{
	struct err why = { 0 };

	(void)err_set(&why, EIO, "what went wrong");
	channel_fail_on(scene->start.start_connection, &why);
}

static void talk_on_connection(struct scene *scene)
{
	(void)sock_send(scene->start.start_connection, "abc", 3, STDIN_FILENO);
	wait_for_ever(scene);
}

TEST(start_knows_it_too)
{
	CHECK_INT(wait_on(execute), 0);
	CHECK_INT(wait_on(die), -ECHILD);
	CHECK_INT(wait_on(do_nothing), -ECHILD);
	CHECK_INT(wait_on(fail_on_connection), -EIO);
	CHECK_INT(wait_on(talk_on_connection), -EPROTO);
}

/* --- who asks this process to end --- */

TEST(a_signal_ends_the_wait)
{
	struct scene scene;
	sigset_t all, before;

	(void)sigfillset(&all);
	CHECK_INT(sigprocmask(SIG_SETMASK, &all, &before), 0);
	open_with_init(&scene, wait_for_ever);
	scene.start.signals.fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	CHECK_INT(raise(SIGUSR1), 0);
	CHECK_INT(raise(SIGTERM), 0);
	CHECK_INT(await_init(&scene), -EINTR);
	CHECK_STR(err.text, "the start was interrupted by SIGTERM");
	CHECK_INT(scene.start.signals.ended_by, SIGTERM);
	start_forward_signals(&scene.start);
	CHECK_INT(scene.start.signals.seen, 0);
	(void)close(scene.start.signals.fd);
	close_scene(&scene);
	CHECK_INT(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

/* It is handed on, and neither ends the poststart hooks nor with them the program. */
TEST(a_signal_after_the_exec_is_meant_for_the_program)
{
	struct scene scene;
	sigset_t all, before;
	siginfo_t info;

	(void)sigfillset(&all);
	CHECK_INT(sigprocmask(SIG_SETMASK, &all, &before), 0);
	open_with_init(&scene, execute);
	scene.start.signals.fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	CHECK_INT(waitid(P_PID, (id_t)scene.start.init.pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_INT(raise(SIGTERM), 0);
	CHECK_INT(channel_await_exec(scene.channel, &scene.start, &err), 0);
	CHECK_INT(scene.start.signals.ended_by, 0);
	CHECK(scene.start.signals.seen & 1ULL << (SIGTERM - 1));
	(void)close(scene.start.signals.fd);
	close_scene(&scene);
	CHECK_INT(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}
