/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_helper.h"

#include "net/metadata.h"
#include "net/net_exec.h"
#include "net/net_hold.h"
#include "net/net_ns.h"
#include "net/net_publish.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/sys/pidfd.h"
#include "src/sys/privs.h"
#include "src/sys/program.h"
#include "src/sys/sock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Helpers are usually ready within two milliseconds. BLIND_MS: poll interval where there is no
 * pidfd to poll. */
enum {
	HELD_TIMEOUT_MS = 10000,
	JOINED_TIMEOUT_MS = 5000,
	READY_TIMEOUT_MS = 30000,
	DEATH_TIMEOUT_MS = 10000,
	BLIND_MS = 500,
	WORDS_MAX = 1024
};
enum news { NEWS_READY = 1, NEWS_HELPER_ENDED = 2, NEWS_CONTAINER_ENDED = 4 };

struct keeper {
	const struct net_helper_request *request;
	struct arena arena;
	struct child helper;
	struct net_hold hold; /* without a guide the helper is started when all is there */
	pid_t self;
	int member, init;  /* of the container: a socket of its network namespace, and a pidfd */
	int netns, userns; /* userns is -1 if it is ours */
	int ready, words;  /* read ends */
	char said[WORDS_MAX];
};

struct helper_ends { /* the helper's ends of pipes */
	int ready, words, exit;
};

int net_helper_find(struct arena *arena, const char *name, const char **ret, struct err *err)
{
	*ret = program_find(arena, name, PROGRAM_USUAL_PLACES);
	if (*ret)
		return 0;
	(void)err_set(err, ENOENT, "the network of the container: %s is not installed", name);
	return err_hint(err, "install the package %s, or choose --net=host or --net=none",
			str_equal(name, "pasta") ? "passt" : name);
}

static void become_helper(struct keeper *k, const struct helper_ends *ends)
{
	const struct net_helper_request *q = k->request;
	const struct net_exec what = { .plan = q->plan,
				       .id = q->id,
				       .program = q->program,
				       .hold = child_is_there(&k->hold.guide) ? &k->hold : NULL,
				       .root = q->root,
				       .netns = k->netns,
				       .userns = k->userns,
				       .member = k->member,
				       .api = q->api,
				       .ready = ends->ready,
				       .exit = ends->exit,
				       .keeper = k->self };
	struct err err = { 0 };

	/* The program gets the pipe as its standard error, the only descriptor that is left of it
	 * when the program cannot be executed. A proxy has the caller's. */
	(void)setpgid(0, 0);
	if (privs_die_with_parent(k->self, &err) < 0 ||
	    (q->plan->kind != NET_PROXY && dup2(ends->words, STDERR_FILENO) < 0) ||
	    net_exec_run(&k->arena, &what, &err) < 0)
		(void)io_write_all(q->plan->kind == NET_PROXY ? ends->words : STDERR_FILENO,
				   err.text, strlen(err.text));
	child_exit(127);
}

static void close_pipe(int fds[2])
{
	fd_closep(&fds[0]);
	fd_closep(&fds[1]);
}

/* Only the keeper holds the write end of the exit pipe. */
static int start_helper(struct keeper *k, struct err *err)
{
	const struct clone_request how = { .cgroup_fd = -1 };
	int ready[2] = { -1, -1 }, words[2] = { -1, -1 }, end[2] = { -1, -1 };
	pid_t pid = -EMFILE;

	if (pipe2(ready, O_CLOEXEC) == 0 && pipe2(words, O_CLOEXEC) == 0 &&
	    pipe2(end, O_CLOEXEC) == 0)
		pid = child_clone(&how, &k->helper);
	if (pid == 0)
		become_helper(k, &(struct helper_ends){ ready[1], words[1], end[0] });
	if (pid < 0) {
		close_pipe(ready);
		close_pipe(words);
		close_pipe(end);
		return err_errno(err, (int)-pid, "start the network helper");
	}
	fd_closep(&ready[1]);
	fd_closep(&words[1]);
	fd_closep(&end[0]);
	net_hold_started(&k->hold);
	k->ready = ready[0];
	k->words = words[0];
	return 0;
}

/* Keeps the last part of the helper's output. */
static void read_words(struct keeper *k)
{
	char buf[WORDS_MAX / 2];
	ssize_t n = read(k->words, buf, sizeof(buf));
	size_t have = strlen(k->said), len = n > 0 ? (size_t)n : 0;

	if (n == 0)
		fd_closep(&k->words);
	if (have + len >= sizeof(k->said)) {
		memmove(k->said, k->said + sizeof(buf), have - sizeof(buf) + 1);
		have -= sizeof(buf);
	}
	memcpy(k->said + have, buf, len);
	k->said[have + len] = '\0';
}

/* The proxy's end of the pipe closes on exec; the other helpers write to it when they are ready. */
static unsigned int read_ready(struct keeper *k)
{
	char byte;
	ssize_t n = read(k->ready, &byte, 1);

	fd_closep(&k->ready);
	return n > 0 || k->request->plan->kind == NET_PROXY ? NEWS_READY : 0;
}

/* Waits for events, at most timeout_ms (-1: no limit). Returns a set of enum news. */
static unsigned int wait_for_news(struct keeper *k, int timeout_ms)
{
	struct pollfd fds[] = { { .fd = k->ready, .events = POLLIN },
				{ .fd = k->words, .events = POLLIN },
				{ .fd = pidfd_to_poll(k->helper.pidfd), .events = POLLIN },
				{ .fd = pidfd_to_poll(k->init), .events = POLLIN } };
	bool blind = fds[2].fd < 0 || fds[3].fd < 0;
	unsigned int news = 0;

	if (blind && (timeout_ms < 0 || timeout_ms > BLIND_MS))
		timeout_ms = BLIND_MS;
	if (poll(fds, 4, timeout_ms) > 0) {
		news |= fds[0].revents ? read_ready(k) : 0;
		if (fds[1].revents)
			read_words(k);
	}
	if (fds[2].revents || (blind && child_has_ended(&k->helper, NULL) > 0))
		news |= NEWS_HELPER_ENDED;
	if (fds[3].revents || (blind && pidfd_wait(k->init, 0) == 0))
		news |= NEWS_CONTAINER_ENDED;
	return news;
}

/* Empty for an exit whose status says no more than the program's own words. */
static const char *how_it_ended(struct keeper *k, bool tells_exit)
{
	int status = 0;

	if (child_has_ended(&k->helper, &status) > 0 && WIFSIGNALED(status))
		return arena_strf(&k->arena, " (signal %d)", WTERMSIG(status));
	return tells_exit ? arena_strf(&k->arena, " (exit status %d)", WEXITSTATUS(status)) : "";
}

static int helper_failed(struct keeper *k, struct err *err)
{
	const struct net_plan *plan = k->request->plan;
	struct pollfd words = { .fd = k->words, .events = POLLIN };
	struct err reason;

	while (k->words >= 0 && poll(&words, 1, 0) > 0) {
		read_words(k);
		words.fd = k->words;
	}
	(void)err_set(err, EIO, "the network of the container: %s: %s%s", net_kind_name(plan->kind),
		      net_words(&k->arena, k->said), how_it_ended(k, false));
	/* pasta publishes ports as it starts, and its messages are not written for users. */
	for (size_t i = 0; i < plan->n_ports; i++)
		if (net_publish_reason(&plan->ports[i], &reason) < 0) {
			*err = reason;
			return -err->code;
		}
	/* slirp4netns names /dev/net/tun; pasta says "tun socket". */
	if (strstr(err->text, "/dev/net/tun") || strstr(err->text, "tun socket"))
		err_hint(err, "the caller must be able to open it: `ls -l /dev/net/tun` shows 0666 "
			      "on most hosts; `sudo modprobe tun` where it is missing");
	return -err->code;
}

static int await_ready(struct keeper *k, struct err *err)
{
	long long deadline = clock_now() + READY_TIMEOUT_MS;

	for (;;) {
		int left = clock_left(deadline);
		unsigned int news = wait_for_news(k, left);

		if (news & NEWS_CONTAINER_ENDED)
			return err_set(err, ESRCH, "the container has ended");
		if (news & NEWS_READY)
			return 0;
		if (news & NEWS_HELPER_ENDED)
			return helper_failed(k, err);
		if (left == 0)
			return err_set(err, ETIMEDOUT,
				       "the network of the container: %s was not ready within "
				       "%d s",
				       net_kind_name(k->request->plan->kind),
				       READY_TIMEOUT_MS / 1000);
	}
}

static int publish_all(struct keeper *k, struct err *err)
{
	const struct net_plan *plan = k->request->plan;
	int r = 0;

	for (size_t i = 0; r == 0 && plan->kind == NET_SLIRP4NETNS && i < plan->n_ports; i++)
		r = net_publish(&k->arena, k->request->api, &plan->ports[i], err);
	return r;
}

/* Moves the keeper into a session of its own: the terminal's signals are for the container, which
 * may ignore them and live on. */
static int leave_caller(const struct keeper *k, int answer, struct err *err)
{
	const struct net_helper_request *q = k->request;
	int null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
	int keep[] = { answer, q->api };

	(void)setsid();
	program_reset_signals(~0ULL);
	(void)prctl(PR_SET_NAME, "usrun:[net]", 0, 0, 0);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    ((q->plan->kind != NET_PROXY || q->quiet) && dup2(null, 2) < 0))
		return err_errno(err, errno, "open /dev/null");
	/* No directory of the caller's stays busy; but the command of a proxy may be relative. */
	if (q->plan->kind != NET_PROXY && chdir("/") < 0)
		return err_errno(err, errno, "enter /");
	program_close_others(3, keep, sizeof(keep) / sizeof(keep[0])); /* null, too */
	return 0;
}

/* Waits until usrun has recorded the keeper in the state. If usrun dies first, no process is left
 * that the state does not name. */
static bool is_recorded(struct keeper *k, int answer)
{
	char go;

	return sock_recv(answer, &go, sizeof(go), &k->member) == sizeof(go) &&
	       sock_recv(answer, &go, sizeof(go), &k->init) == sizeof(go);
}

static void end_helper(struct keeper *k)
{
	child_signal_group(&k->helper, SIGKILL);
	(void)child_end(&k->helper, DEATH_TIMEOUT_MS);
	net_hold_end(&k->hold);
}

/* Nothing but time is lost if it fails. */
static void start_early(struct keeper *k)
{
	struct err ignored;

	if (net_hold_begin(&k->hold) == 0 && start_helper(k, &ignored) < 0)
		net_hold_end(&k->hold);
}

static bool continues_early(struct keeper *k)
{
	const struct net_hold_ends ends = { .helper = k->helper.pidfd, .init = k->init };

	return child_is_there(&k->helper) && net_hold_is_held(&k->hold, &ends, HELD_TIMEOUT_MS) &&
	       net_hold_release(&k->hold, k->member, &ends, JOINED_TIMEOUT_MS) == 0;
}

/* Starts the helper when all is there. */
static int start_plainly(struct keeper *k, struct err *err)
{
	int r;

	end_helper(k);
	fd_closep(&k->ready);
	fd_closep(&k->words);
	k->said[0] = '\0';
	r = net_ns_open(k->member, &k->netns, &k->userns, err);
	if (r == 0)
		r = start_helper(k, err);
	return r == 0 ? await_ready(k, err) : r;
}

/* One that was held may not bear it: a wrapper that creates pairs of sockets, too. */
static int provide(struct keeper *k, struct err *err)
{
	int r;

	if (!continues_early(k))
		return start_plainly(k, err);
	r = await_ready(k, err);
	if (r == 0 || child_has_ended(&k->helper, NULL) <= 0 || pidfd_wait(k->init, 0) == 0)
		return r;
	*err = (struct err){ 0 };
	return start_plainly(k, err);
}

/* A proxy has no deadline to become ready, and its command may not even exist. */
static void tell_that_proxy_ended(struct keeper *k)
{
	const char *text;

	if (k->request->plan->kind != NET_PROXY || child_has_ended(&k->helper, NULL) <= 0)
		return;
	text = arena_strf(&k->arena,
			  "usrun: %s: the proxy has ended%s: the container has no network\n",
			  k->request->id, how_it_ended(k, true));
	(void)io_write_all(STDERR_FILENO, text, strlen(text));
}

static unsigned int await_an_end(struct keeper *k)
{
	unsigned int news;

	do {
		news = wait_for_news(k, -1);
	} while (!(news & (NEWS_HELPER_ENDED | NEWS_CONTAINER_ENDED)));
	return news;
}

static int close_metadata(int member, struct err *err)
{
	int r = metadata_close(member, err);

	return r < 0 ? err_prefix(err, "the network of the container") : 0;
}

static int give_network(struct keeper *k, struct err *err)
{
	const struct net_plan *plan = k->request->plan;
	int r = provide(k, err);

	net_hold_dismiss(&k->hold);
	/* slirp4netns and pasta create the device. */
	if (r == 0 && net_has_device(plan->kind) && !plan->metadata)
		r = close_metadata(k->member, err);
	if (r == 0)
		r = publish_all(k, err);
	fd_closep(&k->netns);
	fd_closep(&k->userns);
	fd_closep(&k->member); /* so that connections are refused once the proxy is gone */
	return r;
}

static __attribute__((noreturn)) void keep(const struct net_helper_request *request, int answer)
{
	struct keeper k = { .request = request,
			    .helper = CHILD_NONE,
			    .hold = NET_HOLD_NONE,
			    .self = getpid(),
			    .member = -1,
			    .init = -1,
			    .netns = -1,
			    .userns = -1,
			    .ready = -1,
			    .words = -1 };
	struct err err = { 0 };
	int r;

	program_show_title(arena_strf(&k.arena, "usrun:[net] %s", request->id));
	r = leave_caller(&k, answer, &err);
	if (r == 0 && request->early)
		start_early(&k);
	if (!is_recorded(&k, answer)) {
		end_helper(&k);
		child_exit(1);
	}
	if (r == 0)
		r = give_network(&k, &err);
	(void)sock_send(answer, &err, sizeof(err), -1);
	fd_closep(&answer);
	net_hold_end(&k.hold); /* later than the answer, for which the container waits */
	if (r == 0 && !(await_an_end(&k) & NEWS_CONTAINER_ENDED))
		tell_that_proxy_ended(&k);
	end_helper(&k);
	child_exit(r < 0);
}

int net_helper_start(const struct net_helper_request *request, struct child *ret_keeper,
		     int *ret_answer, struct err *err)
{
	const struct clone_request how = { .cgroup_fd = -1 };
	_cleanup_close_ int answer = -1;
	int fds[2], r = sock_pair(fds, err);
	pid_t pid;

	if (r < 0)
		return err_prefix(err, "start the network keeper");
	answer = fds[0];
	pid = child_clone(&how, ret_keeper);
	if (pid == 0)
		keep(request, fds[1]);
	fd_closep(&fds[1]);
	if (pid < 0)
		return err_errno(err, (int)-pid, "start the network keeper");
	*ret_answer = fd_take(&answer);
	return 0;
}

int net_helper_go(int answer, int member, const struct child *init, struct err *err)
{
	int r = sock_send(answer, "", 1, member);

	if (r == 0)
		r = sock_send(answer, "", 1, init->pidfd);
	return r < 0 ? err_errno(err, -r, "the network of the container: its keeper was killed")
		     : 0;
}

int net_helper_answer(int answer, struct err *err)
{
	struct err said;
	ssize_t n;

	do
		n = read(answer, &said, sizeof(said));
	while (n < 0 && errno == EINTR);
	if (n == sizeof(said) && !said.code)
		return 0;
	if (n != sizeof(said) || !err_is_whole(&said))
		return err_set(err, ECHILD, "the network of the container: its keeper was killed");
	return err_take(err, &said);
}
