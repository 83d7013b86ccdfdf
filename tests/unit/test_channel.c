/* SPDX-License-Identifier: Apache-2.0 */
/* What one process of a start hears of the others, and what somebody who has taken one over can say. */
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
#include <unistd.h>

enum { ROW = 3, REACHED = 0, NOTE = 1, FAILED = 2, NOTE_SIZE = 640, LONG_MS = 5000 };

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

struct start {
	struct channel *channel;
	struct run run;
};

typedef void (*part_of)(struct start *start);

/* One that plays a child's part, and then ends. */
static struct child make(struct start *start, enum actor actor, part_of play)
{
	const struct clone_request plain = { .cgroup_fd = -1 };
	struct child child = CHILD_NONE;

	if (child_clone(&plain, &child) == 0) {
		start->run.me = actor;
		channel_keep_own(start->channel, &start->run);
		play(start);
		_exit(0);
	}
	return child;
}

static void open_start(struct start *start, bool stager)
{
	err = (struct err){ 0 };
	run_init(&start->run, &plan, &arena);
	CHECK_INT(channel_open(&arena, stager, &start->channel, &err), 0);
}

static void open_with_init(struct start *start, part_of play)
{
	open_start(start, false);
	start->run.init = make(start, ACTOR_INIT, play);
	channel_keep_own(start->channel, &start->run);
}

static void close_start(struct start *start)
{
	channel_close(start->channel);
	CHECK_INT(child_end(&start->run.stager, LONG_MS), 0);
	CHECK_INT(child_end(&start->run.init, LONG_MS), 0);
}

static int await_init(struct start *start)
{
	return channel_await(start->channel, &start->run, ACTOR_INIT, ROW, NULL, &err);
}

static void say(struct start *start, const void *data, size_t len)
{
	if (sock_send(start->run.lifeline, data, len, -1) < 0)
		_exit(1);
}

static void say_reached(struct start *start)
{
	struct message m = { .row = ROW };

	say(start, &m, HEAD);
}

static void wait_for_ever(struct start *start)
{
	(void)start;
	for (;;)
		(void)pause();
}

static void fail_as_init(struct start *start)
{
	struct err why = { 0 };

	(void)err_set(&why, EIO, "what went wrong");
	channel_fail(start->channel, &why);
}

static void do_nothing(struct start *start)
{
	(void)start;
}

TEST(a_failure_is_heard)
{
	struct start start;

	open_with_init(&start, fail_as_init);
	CHECK_INT(await_init(&start), -EIO);
	CHECK_STR(err.text, "what went wrong");
	close_start(&start);
}

static void wait_for_end(struct start *start)
{
	int status;

	while (child_has_ended(&start->run.init, &status) == 0)
		(void)usleep(1000);
}

/* It had not read our word when it failed. */
TEST(a_failure_is_heard_over_a_reset)
{
	struct start start;

	open_start(&start, false);
	CHECK_INT(channel_tell(start.channel, &start.run, ACTOR_INIT, 2, -1, &err), 0);
	start.run.init = make(&start, ACTOR_INIT, fail_as_init);
	channel_keep_own(start.channel, &start.run);
	wait_for_end(&start);
	CHECK_INT(await_init(&start), -EIO);
	CHECK_STR(err.text, "what went wrong");
	close_start(&start);
	/* The same, noticed when the next word is sent. */
	open_with_init(&start, fail_as_init);
	wait_for_end(&start);
	CHECK_INT(channel_tell(start.channel, &start.run, ACTOR_INIT, 4, -1, &err), -EIO);
	CHECK_STR(err.text, "what went wrong");
	close_start(&start);
}

static int fail_in_row(struct run *run, struct err *e)
{
	(void)run;
	return err_set(e, EIO, "what went wrong");
}

static int fail_for_its_end(struct run *run, struct err *e)
{
	(void)pidfd_wait(run->init.pidfd, LONG_MS);
	return err_set(e, EACCES, "what that led to");
}

TEST(a_cause_is_told_before_its_consequence)
{
	static const struct row rows[] = {
		{ .kind = ROW_SPAWN, .who = ACTOR_PARENT, .to = ACTOR_INIT, .name = "clone" },
		{ .kind = ROW_ACT, .who = ACTOR_INIT, .name = "cause", .act = fail_in_row },
		{ .kind = ROW_ACT, .name = "consequence", .act = fail_for_its_end },
	};
	const struct sequence sequence = { .rows = rows, .n = 3 };
	struct run run;

	run_init(&run, &plan, &arena);
	CHECK_INT(walk_sequence(&sequence, &run, &err), -EIO);
	CHECK_STR(err.text, "what went wrong");
	CHECK_STR(err.step, "cause");
}

TEST(a_death_is_told_from_a_failure)
{
	struct start start;

	open_with_init(&start, do_nothing);
	CHECK_INT(await_init(&start), -ECHILD);
	CHECK(strstr(err.text, "ended without a word") != NULL);
	close_start(&start);
}

/* The other end is also held by this process, as by somebody who has stolen it. */
TEST(a_death_is_noticed_where_the_channel_stays_open)
{
	struct start start;

	open_start(&start, false);
	start.run.init = make(&start, ACTOR_INIT, do_nothing);
	CHECK_INT(await_init(&start), -ECHILD);
	close_start(&start);
}

TEST(words_and_notes_are_heard)
{
	struct start start;

	open_with_init(&start, say_reached);
	CHECK_INT(await_init(&start), 0);
	close_start(&start);
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

static void say_forged(struct start *start)
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
		if (sendmsg(start->run.lifeline, &msg, MSG_NOSIGNAL) < 0)
			_exit(1);
	wait_for_ever(start);
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
		struct start start;
		int before, r;

		open_start(&start, stager);
		start.run.init = make(&start, ACTOR_INIT, say_forged);
		channel_keep_own(start.channel, &start.run);
		before = count_fds();
		r = await_init(&start);
		CHECK_INT(r, wanted);
		CHECK_INT(count_fds(), before);
		close_start(&start);
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

static void say_as_somebody(struct start *start)
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
	if (sendmsg(start->run.lifeline, &msg, MSG_NOSIGNAL) < 0)
		_exit(1);
	wait_for_ever(start);
}

TEST(init_is_the_child_that_speaks)
{
	struct start start;
	struct child init;

	open_start(&start, true);
	start.run.stager = make(&start, ACTOR_STAGER, do_nothing);
	init = make(&start, ACTOR_INIT, say_reached);
	channel_keep_own(start.channel, &start.run);
	CHECK_INT(await_init(&start), 0);
	CHECK_INT(start.run.init.pid, init.pid);
	(void)close(init.pidfd);
	close_start(&start);
}

TEST(a_process_of_the_host_does_not_become_init)
{
	struct start start;
	struct child liar;
	int r;

	open_start(&start, true);
	start.run.stager = make(&start, ACTOR_STAGER, wait_for_ever);
	liar = make(&start, ACTOR_INIT, say_as_somebody);
	channel_keep_own(start.channel, &start.run);
	if (getuid() != 0)
		CHECK_INT(child_end(&start.run.stager, LONG_MS), 0);
	r = await_init(&start);
	CHECK(r == -EPROTO || r == -ECHILD);
	CHECK(!child_is_there(&start.run.init));
	CHECK_INT(child_end(&liar, LONG_MS), 0);
	close_start(&start);
}

TEST(a_word_is_of_the_actor_of_the_row)
{
	struct start start;

	/* The stager says that init got somewhere. */
	open_start(&start, true);
	start.run.stager = make(&start, ACTOR_STAGER, say_reached);
	channel_keep_own(start.channel, &start.run);
	CHECK_INT(await_init(&start), -EPROTO);
	CHECK(!child_is_there(&start.run.init));
	close_start(&start);
	/* Init says that the stager did. */
	open_start(&start, true);
	start.run.stager = make(&start, ACTOR_STAGER, wait_for_ever);
	start.run.init = make(&start, ACTOR_INIT, say_reached);
	channel_keep_own(start.channel, &start.run);
	CHECK_INT(channel_await(start.channel, &start.run, ACTOR_STAGER, ROW, NULL, &err), -EPROTO);
	close_start(&start);
	/* What a stager has failed with is heard where init is waited for. */
	open_start(&start, true);
	start.run.stager = make(&start, ACTOR_STAGER, fail_as_init);
	channel_keep_own(start.channel, &start.run);
	CHECK_INT(await_init(&start), -EIO);
	close_start(&start);
}

/* --- whether it was executed --- */

static void execute(struct start *start)
{
	(void)start;
	(void)execl("/bin/sh", "sh", "-c", "exit 3", (char *)NULL);
}

static void die(struct start *start)
{
	(void)start;
	(void)kill(getpid(), SIGKILL); /* raise() goes by what libc knows of the parent */
}

static void close_and_live(struct start *start)
{
	channel_close(start->channel);
	wait_for_ever(start);
}

static int await_exec(part_of play)
{
	struct start start;
	int r;

	open_with_init(&start, play);
	r = channel_await_exec(start.channel, &start.run, &err);
	close_start(&start);
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
	struct start start;
	int pair[2], r;

	open_start(&start, false);
	CHECK_INT(sock_pair(pair, &err), 0);
	start.run.start_connection = pair[1];
	start.run.init = make(&start, ACTOR_INIT, play);
	(void)close(pair[1]);
	r = channel_wait_on(pair[0], start.run.init.pid, start.run.init.pidfd, &err);
	(void)close(pair[0]);
	close_start(&start);
	return r;
}

static void fail_on_connection(struct start *start)
{
	struct err why = { 0 };

	(void)err_set(&why, EIO, "what went wrong");
	channel_fail_on(start->run.start_connection, &why);
}

static void talk_on_connection(struct start *start)
{
	(void)sock_send(start->run.start_connection, "abc", 3, STDIN_FILENO);
	wait_for_ever(start);
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
	struct start start;
	sigset_t all, before;

	(void)sigfillset(&all);
	CHECK_INT(sigprocmask(SIG_SETMASK, &all, &before), 0);
	open_with_init(&start, wait_for_ever);
	start.run.signals.fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	CHECK_INT(raise(SIGUSR1), 0);
	CHECK_INT(raise(SIGTERM), 0);
	CHECK_INT(await_init(&start), -EINTR);
	CHECK_STR(err.text, "the start was ended by SIGTERM");
	CHECK_INT(start.run.signals.ended_by, SIGTERM);
	run_forward_signals(&start.run);
	CHECK_INT(start.run.signals.seen, 0);
	(void)close(start.run.signals.fd);
	close_start(&start);
	CHECK_INT(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}
