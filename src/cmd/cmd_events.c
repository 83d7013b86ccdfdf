/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/cmd/cgroup_of.h"
#include "src/cmd/common.h"
#include "src/cmd/events_json.h"
#include "src/state/status.h"
#include "src/sys/pidfd.h"

#include <poll.h>
#include <stddef.h>

struct events_options {
	bool stats;
	const char *interval;
};

static const struct option options[] = {
	{ 0, "stats", OPTION_FLAG, offsetof(struct events_options, stats), "",
	  "print one sample and exit" },
	{ 0, "interval", OPTION_TEXT, offsetof(struct events_options, interval), "DURATION",
	  "time between samples (default: 5s)" },
	{ 0 },
};

struct watch {
	const struct state *state;
	struct cgroup cgroup;
	struct driver_oom oom;
	int pidfd;
	int64_t interval; /* ms */
};

static int print_line(struct json_write *w, struct err *err)
{
	_cleanup_str_ struct str line = { 0 };
	const char *text = json_write_text(w, NULL, err);

	if (!text)
		return -EINVAL;
	str_addf(&line, "%s\n", text);
	return common_print_text(&line, err);
}

static int print_stats(const struct watch *watch, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(false);
	struct arena arena = { 0 }; /* freed here: this may go on for months */
	int shortage, r;
	struct events_source source = cgroup_of_source(&watch->cgroup, &arena, &shortage);

	events_json_stats(w, watch->state->id, &source);
	r = shortage
		    ? err_errno(err, -shortage, "read the cgroup of container %s", watch->state->id)
		    : print_line(w, err);
	arena_free(&arena);
	return r;
}

static int print_oom(const struct watch *watch, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(false);

	events_json_oom(w, watch->state->id);
	return print_line(w, err);
}

/* The stand-in for a pidfd reports no events, so it is polled as often as something is printed. */
static bool has_ended(int pidfd, const struct pollfd *fd)
{
	return fd->fd < 0 ? pidfd_wait(pidfd, 0) == 0 : fd->revents != 0;
}

/* Runs until the container's process has exited; a kill for lack of memory that ended it is
 * reported first. */
static int loop(struct watch *watch, struct err *err)
{
	struct pollfd fds[] = { { .fd = pidfd_to_poll(watch->pidfd), .events = POLLIN },
				{ .fd = watch->oom.fd, .events = watch->oom.events } };
	int64_t next = clock_now() + watch->interval;
	int r = 0, patience = -1;

	while (r == 0) {
		int64_t left = next - clock_now();

		if (patience >= 0 && patience < left)
			left = patience;
		if (poll(fds, 2, left > 0 ? (int)left : 0) < 0 && errno != EINTR)
			return err_errno(err, errno, "wait for events of the container");
		patience = driver_oom_patience(&watch->oom, fds[1].revents);
		if (driver_oom_happened(&watch->oom))
			r = print_oom(watch, err);
		fds[1].fd = watch->oom.fd;
		if (has_ended(watch->pidfd, &fds[0]))
			return r;
		if (r == 0 && clock_now() >= next) {
			next += watch->interval;
			r = print_stats(watch, err);
		}
	}
	return r;
}

static int events(struct watch *watch, bool once, struct err *err)
{
	int r = cgroup_of_open_all(watch->state, "events", &watch->cgroup, err);

	if (r < 0)
		return r;
	if (once) {
		r = print_stats(watch, err);
	} else {
		r = driver_oom_watch(&watch->cgroup, &watch->oom, err);
		if (r == 0)
			r = loop(watch, err);
		driver_oom_done(&watch->oom);
	}
	driver_close(&watch->cgroup);
	return r;
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct events_options *o = data;
	struct watch watch = { .pidfd = -1, .oom = { .fd = -1, .counter = -1 }, .interval = 5000 };
	_cleanup_close_ int dirfd = -1;
	struct state state = { 0 };
	struct store *store;
	int r = o->interval ? events_json_duration(o->interval, &watch.interval) : 0;

	(void)argc;
	if (r == -ERANGE)
		return err_set(err, EINVAL, "--interval: at most 596h, got \"%s\"", o->interval);
	if (r < 0)
		return err_set(err, EINVAL,
			       "--interval: expected a duration such as 5s or 200ms, got \"%s\"",
			       o->interval);
	if (watch.interval == 0)
		return err_set(err, EINVAL, "duration interval must be greater than 0");
	dirfd = common_open(arena, globals, argv[0], &store, &state, err);
	if (dirfd < 0)
		return dirfd;
	watch.state = &state;
	r = status_of(&state, &watch.pidfd, err);
	if (r >= 0 && watch.pidfd < 0)
		r = err_set(err, ESRCH, "container with id %s is not running", argv[0]);
	if (r >= 0)
		r = events(&watch, o->stats, err);
	fd_closep(&watch.pidfd);
	return r;
}

const struct cmd cmd_events = {
	.name = "events",
	.summary = "print resource usage and OOM kills as JSON",
	.arguments = "ID",
	.options = options,
	.options_size = sizeof(struct events_options),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
