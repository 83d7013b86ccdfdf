/* SPDX-License-Identifier: Apache-2.0 */
/* What is on disk about the container, first the intention, then the facts; and what its caller
 * receives to identify it. */
#include "src/steps/steps.h"

#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/oci/names.h"
#include "src/state/status.h"
#include "src/steps/removal.h"
#include "src/sys/compat.h"
#include "src/sys/pidfd.h"
#include "src/sys/sock.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static char *now_text(struct arena *arena)
{
	char stamp[CLOCK_STAMP_SIZE];

	clock_stamp(stamp);
	return arena_strdup(arena, stamp);
}

/* Adds the kinds that the container does not share with its creator, which exec joins. */
static void add_namespaces(struct start *start)
{
	const char **v = arena_array(start->arena, PLAN_NS_COUNT, sizeof(*v));
	size_t n = 0;

	for (int kind = 0; kind < PLAN_NS_COUNT; kind++)
		if (start->plan->ns.v[kind].action != NS_KEEP)
			v[n++] = names_namespaces[kind].name;
	start->state->namespaces.v = v;
	start->state->namespaces.n = n;
}

static void add_fallbacks(struct start *start)
{
	size_t n = start->plan->n_warnings + start->n_notes;
	const char **v = arena_array(start->arena, n + 1, sizeof(*v));

	for (size_t i = 0; i < start->plan->n_warnings; i++)
		v[i] = start->plan->warnings[i].text;
	for (size_t i = 0; i < start->n_notes; i++)
		v[start->plan->n_warnings + i] = start->notes[i];
	start->state->fallbacks.v = v;
	start->state->fallbacks.n = n;
}

static void add_rdt_groups(struct start *start)
{
	const struct rdt_plan *p = &start->plan->rdt;
	const char **v = arena_array(start->arena, 2, sizeof(*v));
	size_t n = 0;

	if (p->monitor)
		v[n++] = p->monitor;
	if (p->group && p->own)
		v[n++] = p->group;
	start->state->rdt_groups.v = v;
	start->state->rdt_groups.n = n;
}

static void fill_state(struct start *start)
{
	const struct plan *plan = start->plan;
	const struct oci_hooks *hooks = plan->config->hooks;
	struct state *state = start->state;
	struct stat pidns;

	*state = (struct state){
		.id = plan->options->id,
		.bundle = plan->options->bundle,
		.rootfs = plan->rootfs.path,
		.phase = STATE_CREATING,
		.boot_id = status_boot_id(start->arena),
		.created = now_text(start->arena),
		.owner = { .set = true, .v = plan->facts->caller.uid },
		.cgroup.kind = plan->cgroup.place.kind,
		.terminal = { .set = true, .v = plan->process.terminal },
	};
	if (plan->cgroup.unit) { /* its directories are not known yet */
		state->unit = plan->cgroup.unit->ref;
	} else {
		/* before they are created, so that even a killed creator leaves none behind */
		state->cgroup = driver_find_existing(start->arena, &plan->cgroup.place);
	}
	state->annotations.v = plan->config->annotations.v;
	state->annotations.n = plan->config->annotations.n;
	state->undo.v = (const char **)(uintptr_t)start->undo;
	state->undo.n = start->n_undo;
	state->handler = plan->handler.kept;
	if (plan->options->sandbox && !plan->options->detach &&
	    stat("/proc/self/ns/pid", &pidns) == 0)
		state->sandbox = (struct json_uint){ true, pidns.st_ino };
	state->poststart_hooks = (struct json_bool){ true, hooks && hooks->poststart.n };
	state->poststop_hooks = (struct json_bool){ true, hooks && hooks->poststop.n };
	add_namespaces(start);
	add_rdt_groups(start);
	add_fallbacks(start);
}

static int reuse_dead(struct store *store, const struct state *old, struct err *err)
{
	_cleanup_close_ int dirfd = store_open_container(store, old->id, err);

	return dirfd < 0 ? dirfd : removal_run(store, dirfd, old, NULL, err);
}

/* A mount source; the copy for later commands is only written while init mounts. All users in the
 * container may read it, because the container was given its contents. */
static int copy_for_handler(struct start *start, struct err *err)
{
	const struct handler *handler = start->plan->handler.handler;

	if (!handler || !handler->doc.config_file)
		return 0;
	return io_replace_file(start->state_dir, "handler.json", start->config_text,
			       start->config_len, 0644, err);
}

int step_state_reserve(struct start *start, struct err *err)
{
	int r;

	fill_state(start);
	start->state_dir = store_reserve(start->store, start->state->id, reuse_dead, err);
	if (start->state_dir < 0)
		return start->state_dir;
	start->reserved = true;
	/* A state that names another's cgroup would make `delete --force` kill that. */
	r = driver_check_unused(&start->plan->cgroup, err);
	if (r < 0) {
		start->state->cgroup.dirs.n = 0;
		return r;
	}
	r = store_write(start->state_dir, start->state, err);
	if (r == 0)
		r = copy_for_handler(start, err);
	return r < 0 ? err_prefix(err, "state directory %s/%s", store_root(start->store),
				  start->state->id)
		     : 0;
}

/* Needed by later commands only. The helper of the network may outlive us only once it is on
 * disk. */
int step_state_complete(struct start *start, struct err *err)
{
	int r = io_replace_file(start->state_dir, "config.json", start->config_text,
				start->config_len, 0600, err);

	if (r < 0)
		return err_prefix(err, "state directory %s/%s", store_root(start->store),
				  start->state->id);
	r = start->state->net_pid.set ? store_write(start->state_dir, start->state, err) : 0;
	if (r < 0)
		return r;
	if (!(start->plan->flags & PLAN_WAIT_START))
		return 0;
	r = sock_listen_at(start->start_listener, start->state_dir, "start");
	return r < 0 ? err_errno(err, -r, "create the start socket in %s/%s",
				 store_root(start->store), start->state->id)
		     : 0;
}

/* /dev/null or /dev/stdout, which root would replace for the whole host. */
static bool is_special(int dir, const char *name)
{
	char target[sizeof("/proc/")];
	struct stat st;

	if (readlinkat(dir, name, target, sizeof(target)) >= (ssize_t)strlen("/proc/"))
		return memcmp(target, "/proc/", strlen("/proc/")) == 0;
	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode));
}

/* Writes only digits, all at once, and never through a planted link. Returns the file's
 * descriptor. */
static int write_pid_file(const char *path, pid_t pid, struct err *err)
{
	_cleanup_close_ int dir = -1;
	const char *slash = strrchr(path, '/');
	char parent[4096] = ".", digits[16];
	struct stat st;
	int r;

	if (slash && (size_t)(slash - path) + 1 >= sizeof(parent))
		return err_errno(err, ENAMETOOLONG, "open the directory of the pid file %s", path);
	if (slash) {
		memcpy(parent, path, (size_t)(slash - path) + 1);
		parent[slash - path + 1] = '\0';
	}
	dir = openat(AT_FDCWD, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, errno, "open the directory of the pid file %s", path);
	if (is_special(dir, slash ? slash + 1 : path))
		return err_set(err, EINVAL,
			       "--pid-file: expected a file, %s is a device or a descriptor", path);
	(void)snprintf(digits, sizeof(digits), "%d", (int)pid);
	r = io_replace_file_open(dir, slash ? slash + 1 : path, digits, strlen(digits), 0644, err);
	if (r < 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(err, EISDIR, "--pid-file: expected a file, %s is a directory", path);
	return r < 0 ? err_prefix(err, "pid file %s", path) : r;
}

int step_pid_file(struct start *start, struct err *err)
{
	int r = start->pid_file ? write_pid_file(start->pid_file, start->init.pid, err) : -1;

	if (!start->pid_file)
		return 0;
	start->pid_file_fd = r;
	return r < 0 ? r : 0;
}

/* With hidepid, an unprivileged user cannot see a container's init in /proc between the change of
 * its ids and the time when it waits or has executed its program. */
int step_start_time(struct start *start, struct err *err)
{
	return status_start_time(start->init.pid, &start->start_time, err);
}

/* A stager's child is hidden from the start: it opens the file itself, and the kernel fills it. */
int step_stat_open(struct start *start, struct err *err)
{
	_cleanup_close_ int proc =
		openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;

	(void)err;
	/* The container's procfs, in a pod: no other file is opened there. */
	if (fstatfs(proc, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		start->init_stat = openat(proc, "self/stat", O_RDONLY | O_CLOEXEC);
	return 0;
}

static int find_start_time(struct start *start, uint64_t *ret, struct err *err)
{
	bool pod = start->plan->flags & PLAN_PIDNS_JOIN;
	int r = 0;

	*ret = start->start_time;
	if (!(start->plan->flags & PLAN_STAGER))
		return 0;
	if (!pod)
		*ret = status_start_time_in(start->init_stat, start->init.pid);
	if (!*ret)
		r = status_start_time(start->init.pid, ret, err);
	/* Only if the host does not show it: of a pod's /proc we know only that it is a procfs. */
	if (r < 0 && pod)
		*ret = status_start_time_in(start->init_stat, 0);
	fd_closep(&start->init_stat);
	if (!*ret)
		return r;
	*err = (struct err){ 0 };
	return 0;
}

static int write_whole(struct start *start, enum state_phase phase, struct err *err)
{
	struct state *state = start->state;
	uint64_t start_time, number;
	int r = find_start_time(start, &start_time, err);

	/* Without it, every later command would consider the container stopped. */
	if (r < 0)
		return r;
	if (!start_time)
		return err_set(err, ESRCH, "the container's process %d has ended",
			       (int)start->init.pid);
	state->phase = phase;
	state->pid = (struct json_int){ true, start->init.pid };
	state->start_time = (struct json_uint){ true, start_time };
	number = pidfd_number(start->init.pidfd);
	state->pid_number = (struct json_uint){ number != 0, number };
	add_fallbacks(start);
	r = store_write(start->state_dir, state, err);
	if (r == 0)
		r = step_pid_file(start, err);
	if (r == 0)
		start->tell_fallbacks(start);
	return r;
}

/* A run needs no `start`: once this is on disk, init executes the program even if we are killed. */
int step_state_created(struct start *start, struct err *err)
{
	bool waits = start->plan->flags & PLAN_WAIT_START;

	return write_whole(start, waits ? STATE_CREATED : STATE_STARTED, err);
}

int step_state_restored(struct start *start, struct err *err)
{
	start->state->released = (struct json_bool){ 0 };
	return write_whole(start, STATE_STARTED, err);
}

int step_state_unlock(struct start *start, struct err *err)
{
	(void)err;
	store_unlock(start->state_dir); /* hooks may call usrun */
	return 0;
}

/* The socket that replaces the service manager's in the container. */
int step_notify_listen(struct start *start, struct err *err)
{
	const char *path = start->plan->options->notify_path;

	if (!start->plan->notify)
		return 0;
	start->notify_listener = sock_listen_datagram_at(start->state_dir, "notify");
	if (start->notify_listener < 0)
		return err_errno(err, -start->notify_listener,
				 "NOTIFY_SOCKET: create the socket %s", path);
	/* For any uid of the program, also in a user namespace; only the container sees it. */
	if (fchmodat(start->state_dir, "notify", 0666, 0) < 0)
		return err_errno(err, errno, "NOTIFY_SOCKET: open the socket for the container");
	return 0;
}

/* The receiver closes the stream, perhaps at once. */
static int send_to(const char *path, const char *payload, int pidfd, struct err *err)
{
	_cleanup_close_ int sock = sock_connect(path, SOCK_PATIENCE_MS);
	int r = sock < 0 ? sock : sock_send(sock, payload, strlen(payload), pidfd);

	return r < 0 ? err_errno(err, -r, "send a pidfd to the socket %s", path) : 0;
}

int step_pidfd_send(struct start *start, struct err *err)
{
	const char *asked = start->plan->options->pidfd_socket,
		   *wished = start->plan->pidfd_receiver;
	const char *payload = start->target_pidfd >= 0 ? "setns" : "standard";
	int r = 0;

	/* /proc/PID, our substitute for a pidfd, is not one for others. */
	if ((asked || wished) && pidfd_to_poll(start->init.pidfd) < 0)
		return err_errno(err, -compat_irreplaceable(COMPAT_PIDFD_OPEN),
				 "%s: open a pidfd of process %d",
				 asked ? "--pidfd-socket"
				       : "annotations[\"run.oci.pidfd_receiver\"]",
				 (int)start->init.pid);
	if (asked)
		r = send_to(asked, payload, start->init.pidfd, err);
	if (r < 0)
		return err_prefix(err, "--pidfd-socket");
	if (wished)
		r = send_to(wished, payload, start->init.pidfd, err);
	return r < 0 ? err_prefix(err, ERR_AT "annotations[\"run.oci.pidfd_receiver\"]") : 0;
}
