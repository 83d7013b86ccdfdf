/* SPDX-License-Identifier: Apache-2.0 */
/* What is on disk about the container: first the intention, then the facts. And what its caller gets to find it. */
#include "src/steps/steps.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/oci/names.h"
#include "src/state/status.h"
#include "src/steps/removal.h"
#include "src/sys/sock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *now_text(struct arena *arena)
{
	char stamp[CLOCK_STAMP_SIZE];

	clock_stamp(stamp);
	return arena_strdup(arena, stamp);
}

/* Kinds that the container does not share with its creator: those that exec joins. */
static void add_namespaces(struct run *run)
{
	const char **v = arena_array(run->arena, PLAN_NS_COUNT, sizeof(*v));
	size_t n = 0;

	for (int kind = 0; kind < PLAN_NS_COUNT; kind++)
		if (run->plan->ns.v[kind].action != NS_KEEP)
			v[n++] = names_namespaces[kind].name;
	run->state->namespaces.v = v;
	run->state->namespaces.n = n;
}

static void add_fallbacks(struct run *run)
{
	size_t n = run->plan->n_warnings + run->n_notes;
	const char **v = arena_array(run->arena, n + 1, sizeof(*v));

	for (size_t i = 0; i < run->plan->n_warnings; i++)
		v[i] = run->plan->warnings[i].text;
	for (size_t i = 0; i < run->n_notes; i++)
		v[run->plan->n_warnings + i] = run->notes[i];
	run->state->fallbacks.v = v;
	run->state->fallbacks.n = n;
}

static void add_rdt_groups(struct run *run)
{
	const struct rdt_plan *p = &run->plan->rdt;
	const char **v = arena_array(run->arena, 2, sizeof(*v));
	size_t n = 0;

	if (p->monitor)
		v[n++] = p->monitor;
	if (p->group && p->own)
		v[n++] = p->group;
	run->state->rdt_groups.v = v;
	run->state->rdt_groups.n = n;
}

static void fill_state(struct run *run)
{
	const struct plan *plan = run->plan;
	const struct oci_hooks *hooks = plan->config->hooks;
	struct state *state = run->state;

	*state = (struct state){
		.id = plan->options->id,
		.bundle = plan->options->bundle,
		.rootfs = plan->rootfs.path,
		.phase = STATE_CREATING,
		.boot_id = status_boot_id(run->arena),
		.created = now_text(run->arena),
		.owner = { .set = true, .v = plan->facts->caller.uid },
		.cgroup.kind = plan->cgroup.place.kind,
		.terminal = { .set = true, .v = plan->process.terminal },
	};
	if (plan->cgroup.unit) { /* its directories are not known yet */
		state->unit = plan->cgroup.unit->ref;
	} else {
		/* before they are made, so that a creator that is killed leaves none for good */
		state->cgroup = driver_find_existing(run->arena, &plan->cgroup.place);
	}
	state->annotations.v = plan->config->annotations.v;
	state->annotations.n = plan->config->annotations.n;
	state->undo.v = (const char **)(uintptr_t)run->undo;
	state->undo.n = run->n_undo;
	state->poststart_hooks = (struct json_bool){ true, hooks && hooks->poststart.n };
	state->poststop_hooks = (struct json_bool){ true, hooks && hooks->poststop.n };
	add_namespaces(run);
	add_rdt_groups(run);
	add_fallbacks(run);
}

static int reuse_dead(struct store *store, const struct state *old, struct err *err)
{
	_cleanup_close_ int dirfd = store_open_container(store, old->id, err);

	return dirfd < 0 ? dirfd : removal_run(store, dirfd, old, NULL, err);
}

int step_state_reserve(struct run *run, struct err *err)
{
	int r;

	fill_state(run);
	run->state_dir = store_reserve(run->store, run->state->id, reuse_dead, err);
	if (run->state_dir < 0)
		return run->state_dir;
	run->reserved = true;
	/* A state that names the group of another would have `delete --force` kill that one. */
	r = driver_check_unused(&run->plan->cgroup, err);
	if (r < 0) {
		run->state->cgroup.dirs.n = 0;
		return r;
	}
	r = store_write(run->state_dir, run->state, err);
	return r < 0 ? err_prefix(err, "state directory %s/%s", store_root(run->store),
				  run->state->id)
		     : 0;
}

/* What only later commands need. */
int step_state_complete(struct run *run, struct err *err)
{
	int r = io_replace_file(run->state_dir, "config.json", run->config_text, run->config_len,
				0600, err);

	if (r < 0)
		return err_prefix(err, "state directory %s/%s", store_root(run->store),
				  run->state->id);
	if (!(run->plan->flags & PLAN_WAIT_START))
		return 0;
	r = sock_listen_at(run->start_listener, run->state_dir, "start");
	return r < 0 ? err_errno(err, -r, "make the start socket in %s/%s", store_root(run->store),
				 run->state->id)
		     : 0;
}

/* Digits only, complete at once, never through a link that somebody put there. */
static int write_pid_file(const char *path, pid_t pid, struct err *err)
{
	_cleanup_close_ int dir = -1;
	const char *slash = strrchr(path, '/');
	char parent[4096] = ".", digits[16];
	int r;

	if (slash && (size_t)(slash - path) < sizeof(parent) - 1) {
		memcpy(parent, path, (size_t)(slash - path) + 1);
		parent[slash - path + 1] = '\0';
	}
	dir = openat(AT_FDCWD, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, errno, "open the directory of the pid file %s", path);
	(void)snprintf(digits, sizeof(digits), "%d", (int)pid);
	r = io_replace_file(dir, slash ? slash + 1 : path, digits, strlen(digits), 0644, err);
	return r < 0 ? err_prefix(err, "pid file %s", path) : 0;
}

int step_pid_file(struct run *run, struct err *err)
{
	int r = run->pid_file ? write_pid_file(run->pid_file, run->init.pid, err) : 0;

	run->pid_file_written = r == 0 && run->pid_file;
	return r;
}

/* Where /proc is mounted with hidepid, a user cannot see there what a container's init is between the change of
 * its ids and the time when it waits or has executed its program. */
int step_start_time(struct run *run, struct err *err)
{
	return status_start_time(run->init.pid, &run->start_time, err);
}

/* What is born of a stager is hidden from the first moment: it opens the file itself, and the kernel fills it. */
int step_stat_open(struct run *run, struct err *err)
{
	(void)err;
	run->init_stat = openat(AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC);
	return 0;
}

static int find_start_time(struct run *run, uint64_t *ret, struct err *err)
{
	*ret = run->start_time;
	if (!(run->plan->flags & PLAN_STAGER))
		return 0;
	*ret = status_start_time_in(run->init_stat, run->init.pid);
	fd_closep(&run->init_stat);
	return *ret ? 0 : status_start_time(run->init.pid, ret, err);
}

int step_state_created(struct run *run, struct err *err)
{
	struct state *state = run->state;
	uint64_t start_time;
	int r = find_start_time(run, &start_time, err);

	/* Without it every later command takes the container for one that has stopped. */
	if (r < 0)
		return r;
	if (!start_time)
		return err_set(err, ESRCH, "the container's process %d has ended",
			       (int)run->init.pid);
	state->phase = STATE_CREATED;
	state->pid = (struct json_int){ true, run->init.pid };
	state->start_time = (struct json_uint){ true, start_time };
	add_fallbacks(run);
	r = store_write(run->state_dir, state, err);
	if (r == 0)
		r = step_pid_file(run, err);
	if (r == 0)
		run->tell_fallbacks(state);
	return r;
}

int step_state_started(struct run *run, struct err *err)
{
	int r;

	run->state->phase = STATE_STARTED;
	r = store_write(run->state_dir, run->state, err);
	if (run->plan->flags & PLAN_HOOKS_POSTSTART) /* hooks may call usrun */
		store_unlock(run->state_dir);
	return r;
}

/* The socket that stands for the service manager's in the container. */
int step_notify_listen(struct run *run, struct err *err)
{
	const char *path = run->plan->options->notify_path;

	if (!run->plan->notify)
		return 0;
	run->notify_listener = sock_listen_datagram_at(run->state_dir, "notify");
	if (run->notify_listener < 0)
		return err_errno(err, -run->notify_listener, "NOTIFY_SOCKET: make the socket %s",
				 path);
	/* Whatever uid the program has, also in a user namespace; only the container sees it. */
	if (fchmodat(run->state_dir, "notify", 0666, 0) < 0)
		return err_errno(err, errno, "NOTIFY_SOCKET: open the socket for the container");
	return 0;
}

/* The receiver closes the stream; it may close at once. */
static int send_to(const char *path, const char *payload, int pidfd, struct err *err)
{
	_cleanup_close_ int sock = sock_connect(path, 0);
	int r = sock < 0 ? sock : sock_send(sock, payload, strlen(payload), pidfd);

	return r < 0 ? err_errno(err, -r, "send a pidfd to the socket %s", path) : 0;
}

int step_pidfd_send(struct run *run, struct err *err)
{
	const char *asked = run->plan->options->pidfd_socket, *wished = run->plan->pidfd_receiver;
	const char *payload = run->target_pidfd >= 0 ? "setns" : "standard";
	int r = 0;

	if (asked)
		r = send_to(asked, payload, run->init.pidfd, err);
	if (r < 0)
		return err_prefix(err, "--pidfd-socket");
	if (wished)
		r = send_to(wished, payload, run->init.pidfd, err);
	return r < 0 ? err_prefix(err, ERR_AT "annotations[\"run.oci.pidfd_receiver\"]") : 0;
}
