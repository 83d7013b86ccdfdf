/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/cmd/common.h"
#include "src/cmd/waiting_end.h"
#include "src/run/channel.h"
#include "src/run/notify.h"
#include "src/state/status.h"
#include "src/steps/hooks.h"
#include "src/steps/removal.h"
#include "src/sys/pidfd.h"
#include "src/sys/sock.h"

#include <signal.h>

static const struct option options[] = { { 0 } };

enum { DEATH_TIMEOUT_MS = 10000 };

struct start_call {
	struct arena *arena;
	struct store *store;
	struct state started;
	struct state_doc doc;
	const struct oci_config *config; /* with poststart hooks */
	int pidfd;
	int manager, listener; /* of a service, and of its program, or -1 */
};

static int refuse_stopped(struct arena *arena, const struct state *state, struct err *err)
{
	bool waited = state->phase == STATE_CREATED;
	const char *words = waited ? waiting_end_words(arena, state) : NULL;
	const char *sent = waited ? waiting_end_sent(state) : NULL;

	(void)err_set(err, EINVAL, "cannot start a container that has stopped: %s%s%s%s", state->id,
		      waited ? ": its init exited while waiting for `start`" : "",
		      words ? ", " : "", words ? words : "");
	if (sent)
		return err_hint(err, "`usrun kill` sent it %s", sent);
	return waited && !words ? err_hint(err, "the process that reaped it knows how: the parent "
						"of `usrun create`, or process 1")
				: -EINVAL;
}

static int refuse_status(struct arena *arena, const struct state *state, enum status status,
			 struct err *err)
{
	const char *id = state->id;

	switch (status) {
	case STATUS_CREATED:
		return 0;
	case STATUS_RUNNING:
		return err_set(err, EINVAL, "cannot start an already running container: %s", id);
	case STATUS_PAUSED:
		return err_set(err, EINVAL, "cannot start a container in the paused state: %s", id);
	case STATUS_CREATING:
		return err_set(err, EBUSY,
			       "cannot start a container that is still being created: %s", id);
	case STATUS_STOPPED:
		return refuse_stopped(arena, state, err);
	}
	return -EINVAL;
}

/* startContainer hooks write to files of the host, but a waiting init holds none open. */
static int send_words(int sock, const struct hooks_output *output)
{
	int r = output->out < 0 ? 0 : sock_send(sock, "out", 3, output->out);

	if (r == 0 && output->err >= 0)
		r = sock_send(sock, "err", 3, output->err);
	return r < 0 ? r : sock_send(sock, "start", 5, -1);
}

/* Init answers even if it has none. There is no timeout, since a late answer of a busy machine
 * would be mistaken for the next message. */
static int ask_for_listener(int sock)
{
	char word[8];
	int listener = -1;

	if (sock_send(sock, "notify", 6, -1) == 0)
		(void)sock_recv(sock, word, sizeof(word), &listener);
	return listener;
}

/* Tells init to go on and waits until it has executed the program or reports an error. Init goes on
 * even if we are killed meanwhile, so the state says so beforehand. */
static int release_init(int dirfd, struct start_call *call, struct state *state, struct err *err)
{
	const struct state_doc *doc = &call->doc;
	_cleanup_close_ int sock = sock_connect_at(dirfd, "start");
	struct hooks_output output;
	const char *id = doc->id;
	int r;

	if (sock < 0 && (sock == -ECONNREFUSED || sock == -ENOENT))
		return err_set(err, EINVAL,
			       "cannot start container %s: its init is no longer waiting", id);
	if (sock < 0)
		return err_errno(err, -sock, "reach the init of container %s", id);
	if (call->manager >= 0)
		call->listener = ask_for_listener(sock);
	r = hooks_open_annotated(doc, &output, err);
	if (r < 0)
		return r;
	state->phase = STATE_STARTED;
	r = store_write(dirfd, state, err);
	if (r == 0) {
		r = send_words(sock, &output);
		if (r < 0)
			(void)err_errno(err, -r, "tell the init of container %s to start", id);
		else
			r = channel_wait_on(sock, (pid_t)doc->pid, call->pidfd, err);
	}
	hooks_close_output(&output);
	if ((r == -EPIPE || r == -ECONNRESET || r == -ECHILD) &&
	    pidfd_wait(call->pidfd, DEATH_TIMEOUT_MS) == 0) {
		(void)err_set(err, ECHILD,
			      "cannot start container %s: its init was killed meanwhile", id);
		err_hint(err, "possible causes: its seccomp profile, `usrun kill`, `usrun delete "
			      "--force`, or lack of memory");
	}
	return r;
}

static int start(int dirfd, struct state *state, void *data, struct err *err)
{
	struct start_call *call = data;
	int r = status_of(state, &call->pidfd, err);

	call->doc = (struct state_doc){ .id = state->id,
					.bundle = state->bundle,
					.pid = state->pid.v,
					.annotations = state->annotations.v,
					.n_annotations = state->annotations.n };
	if (r >= 0)
		r = refuse_status(call->arena, state, (enum status)r, err);
	if (r == 0 && state->poststart_hooks.v)
		r = common_read_config(call->arena, dirfd, &call->config, err);
	if (r == 0)
		r = release_init(dirfd, call, state, err);
	call->started = *state;
	return r;
}

static int destroy(int dirfd, struct state *state, void *data, struct err *err)
{
	struct start_call *call = data;

	return removal_run(call->store, dirfd, state, &(struct removal){ .config = call->config },
			   err);
}

/* Runs without the lock, as hooks may call usrun. If a hook fails, the container is destroyed, by
 * whoever comes first. */
static int run_poststart(struct start_call *call, struct err *err)
{
	const struct store_change change = {
		.arena = call->arena, .seen = &call->started, .act = destroy, .data = call
	};
	int r = hooks_run_poststart(call->config->hooks, &call->doc, err), destroyed;
	struct err later;

	if (r == 0)
		return 0;
	if (pidfd_signal(call->pidfd, SIGKILL) == 0)
		(void)pidfd_wait(call->pidfd, DEATH_TIMEOUT_MS);
	destroyed = store_change(call->store, call->started.id, &change, &later);
	if (destroyed < 0 && destroyed != -ENOENT)
		log_notice("cleaning up: %s", later.text);
	return r;
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	struct start_call call = {
		.arena = arena, .pidfd = -1, .manager = notify_connect(), .listener = -1
	};
	const struct store_change change = {
		.arena = arena,
		.what = "start",
		.awaits_creation = true,
		.act = start,
		.data = &call,
	};
	int r = store_check_id(argv[0], err);

	if (r == 0)
		r = store_open(globals->root, false, arena, &call.store, err);
	if (r == 0)
		r = store_change(call.store, argv[0], &change, err);

	(void)data;
	(void)argc;
	if (r == 0 && call.config)
		r = run_poststart(&call, err);
	if (r == 0 && call.listener >= 0)
		notify_await(call.listener, call.manager, (pid_t)call.doc.pid, call.pidfd);
	fd_closep(&call.listener);
	fd_closep(&call.manager);
	fd_closep(&call.pidfd);
	return r;
}

const struct cmd cmd_start = {
	.name = "start",
	.summary = "run the program of a created container",
	.arguments = "ID",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
