/* SPDX-License-Identifier: Apache-2.0 */
/* Restore: CRIU stands where the stager does in a start. It runs in the container's cgroup, so
 * that what it makes is born there, and in a mount namespace of its own, so that the rootfs,
 * which has to be a mount point for it, is one nowhere else, and is none any more when it has
 * ended. It stops at its notifications, between which the rows of the table do what is ours. The
 * first process that it makes is a child of this one. */
#include "src/steps/restore.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/criu/report.h"
#include "src/host/mountinfo.h"
#include "src/oci/names.h"
#include "src/plan/plan_criu.h"
#include "src/state/status.h"
#include "src/steps/steps.h"
#include "src/sys/sock.h"
#include "src/sys/tty.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEATH_TIMEOUT_MS = 10000, MAX_STREAMS_FILE = 64 * 1024, MAX_INHERITED = 16 };

struct inherited { /* descriptors passed to CRIU by name */
	struct rpc_fd v[MAX_INHERITED];
	size_t n;
};

static void give(struct inherited *in, const char *key, int fd)
{
	in->v[in->n++] = (struct rpc_fd){ key, fd };
}

/* Joined namespaces: CRIU takes net and pid as descriptors, the others by path. */
static void give_namespaces(struct start *start, struct inherited *in)
{
	struct rpc_opts *opts = &start->restore->opts;
	struct rpc_pair *join = arena_array(start->arena, PLAN_NS_COUNT, sizeof(*join));

	for (int kind = 0; kind < PLAN_NS_COUNT; kind++) {
		if (start->plan->ns.v[kind].action != NS_JOIN)
			continue;
		if (kind == PLAN_NS_NET)
			give(in, "extRootNetNS", start->ns_fds[kind]);
		else if (kind == PLAN_NS_PID)
			give(in, "extRootPidNS", start->ns_fds[kind]);
		else
			join[opts->n_join++] = (struct rpc_pair){
				kind == PLAN_NS_MOUNT ? "mnt" : names_namespaces[kind].name,
				start->plan->ns.v[kind].path
			};
	}
	opts->join = join;
}

struct streams {
	JSON_LIST(const char *) v;
};
static const struct json_field streams_fields[] = {
	{ .key = "v", .kind = JSON_STRINGS, .offset = offsetof(struct streams, v) },
};
static const struct json_type streams_type = {
	.size = sizeof(struct streams),
	.fields = streams_fields,
	.n_fields = 1,
};

/* Images from other tools may have none. */
static int read_streams(struct start *start, struct streams *ret, struct err *err)
{
	static const struct json_limits limits = { .depth = 4, .string = 8192 };
	int images = start->restore->images, r;
	char *text;

	r = io_read_file(images, RESTORE_STREAMS, MAX_STREAMS_FILE, start->arena, &text, NULL, err);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	text = arena_strf(start->arena, "{\"v\":%s}", text);
	return json_read(start->arena, RESTORE_STREAMS, text, strlen(text), &streams_type, &limits,
			 ret, err);
}

/* CRIU restores a file's position even in its replacement. */
static int open_stream(int stream, bool null, bool file, struct err *err)
{
	int fd = null ? openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC)
		      : fcntl(stream, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return err_errno(err, errno, "open standard stream %d", stream);
	if (!file || null || lseek(fd, 0, SEEK_CUR) >= 0)
		return fd;
	fd_closep(&fd);
	(void)err_set(err, ESPIPE, "standard stream %d was a file, and is now not seekable",
		      stream);
	return err_hint(err, "redirect it to a file, or to /dev/null");
}

/* CRIU uses its standard input in place of a host terminal, and is killed if that is not one. */
static bool wants_terminal(const struct start *start)
{
	return start->restore->opts.shell_job && !start->restore->opts.orphan_pts;
}

static int check_terminal(const struct start *start, const char *text, struct err *err)
{
	if (!wants_terminal(start) || isatty(0) ||
	    !(str_starts(text, "/dev/pts/") || str_starts(text, "/dev/tty")))
		return 0;
	(void)err_set(err, ENOTTY,
		      "--shell-job: the container used the terminal %s, and standard "
		      "input is not a terminal",
		      text);
	return err_hint(err, "restore it from a terminal");
}

/* Streams that led out of the container are now our caller's. */
static int give_streams(struct start *start, struct inherited *in, struct err *err)
{
	struct streams streams = { 0 };
	int r = read_streams(start, &streams, err);

	for (size_t i = 0; r == 0 && i < streams.v.n; i++) {
		const char *text = streams.v.v[i];
		bool null, known = false;
		const char *key = plan_criu_stream_key(start->arena, text, &null);
		int fd;

		r = check_terminal(start, text, err);
		for (size_t k = 0; key && k < in->n; k++)
			known |= str_equal(in->v[k].key, key);
		if (!key || known || (i >= PLAN_CRIU_STREAMS && !null))
			continue;
		if (in->n == MAX_INHERITED)
			return err_set(err, E2BIG,
				       "%s: more than %d descriptors lead out of the "
				       "container",
				       RESTORE_STREAMS, MAX_INHERITED);
		fd = open_stream((int)i, null, str_starts(key, "file"), err);
		if (fd < 0)
			r = fd;
		else
			give(in, key, fd);
	}
	return r;
}

/* Tells CRIU where each cgroup in the images belongs, even for a hierarchy that only the images'
 * host had. */
static void name_groups(struct start *start)
{
	const struct cgroup_place *place = &start->cgroup.place;
	struct rpc_opts *opts = &start->restore->opts;
	struct rpc_pair *groups = arena_array(start->arena, place->dirs.n + 2, sizeof(*groups));

	for (size_t i = 0; opts->manage_cgroups && i < place->dirs.n; i++)
		groups[opts->n_groups++] =
			(struct rpc_pair){ place->dirs.v[i].controllers, place->dirs.v[i].path };
	if (opts->n_groups)
		groups[opts->n_groups++] = (struct rpc_pair){ NULL, place->dirs.v[0].path };
	opts->groups = groups;
}

static int run_criu(struct start *start, const struct inherited *in, struct err *err)
{
	struct restore *restore = start->restore;
	int *fds = arena_array(start->arena, MAX_INHERITED + 3, sizeof(*fds)), r;
	struct swrk_start how = { .path = restore->criu,
				  .fds = fds,
				  .clone_flags = CLONE_NEWNS,
				  .cgroup_fd = driver_clone_fd(&start->cgroup),
				  .keeps_input = wants_terminal(start) && isatty(0),
				  .prepare = step_restore_prepare,
				  .data = start };

	for (size_t i = 0; i < in->n; i++)
		fds[how.n_fds++] = in->v[i].fd;
	fds[how.n_fds++] = restore->images;
	fds[how.n_fds++] = restore->work;
	if (restore->opts.status_fd >= 0)
		fds[how.n_fds++] = restore->opts.status_fd;
	r = swrk_clone(&how, &restore->swrk, err);
	if (r < 0)
		return r;
	start->stager = restore->swrk.child;
	restore->swrk.child = (struct child)CHILD_NONE;
	restore->swrk.signals = &start->signals;
	return 0;
}

/* CRIU creates a cgroup namespace only together with cgroups; ours exists before the user
 * namespace. */
static void note_cgroup_namespace(struct start *start)
{
	uint32_t both = PLAN_USERNS_NEW | PLAN_CGROUPNS;

	if ((start->plan->flags & both) == both && !start->restore->opts.manage_cgroups)
		start_note(start, "the cgroup namespace belongs to the host's user namespace: the "
				  "container cannot mount cgroups itself");
}

int step_criu_start(struct start *start, struct err *err)
{
	struct rpc_opts *opts = &start->restore->opts;
	struct inherited *in = arena_new(start->arena, struct inherited);
	int r = give_streams(start, in, err);

	if (r < 0)
		return r;
	give_namespaces(start, in);
	note_cgroup_namespace(start);
	opts->images_fd = start->restore->images;
	opts->work_fd = start->restore->work;
	opts->log_file = RESTORE_LOG;
	opts->root = start->plan->rootfs.path;
	opts->sibling = true;
	opts->evasive_devices = true;
	opts->inherit = in->v;
	opts->n_inherit = in->n;
	r = run_criu(start, in, err);
	for (size_t i = 0; i < in->n; i++) {
		int copy = in->v[i].fd; /* CRIU has it under this number */

		if (!str_starts(in->v[i].key, "extRoot"))
			fd_closep(&copy);
	}
	return r;
}

int step_criu_exec(struct start *start, struct err *err)
{
	return swrk_exec(&start->restore->swrk, err);
}

/* Receives the master of the container's former terminal. */
static int take_console(struct start *start, struct err *err)
{
	static const char payload[] = "/dev/pts/ptmx";
	int r = 0;

	start->console_master = fd_take(&start->restore->swrk.fd);
	if (start->console_socket < 0) {
		(void)tty_copy_size(tty_with_window(), start->console_master);
		return 0;
	}
	r = sock_send(start->console_socket, payload, sizeof(payload) - 1, start->console_master);
	if (r < 0)
		return err_errno(err, -r, "--console-socket: send the terminal to %s",
				 start->plan->options->console_socket);
	fd_closep(&start->console_socket);
	fd_closep(&start->console_master);
	return 0;
}

static int failed(struct start *start, int r, struct err *err)
{
	struct restore *restore = start->restore;

	/* CRIU knows what it has created so far, and we do not. */
	swrk_leave(&restore->swrk, &start->stager);
	if (r != -EREMOTEIO && r != -ECONNRESET)
		return r;
	if (r == -ECONNRESET && faccessat(restore->work, RESTORE_LOG, F_OK, 0) < 0)
		return r;
	return report_failure(restore->work, restore->work_path, RESTORE_LOG,
			      restore->swrk.last.message, err);
}

/* Lets CRIU run until a notification, at which it then waits; or, with NULL, until it ends. */
static int go_on(struct start *start, const char *script, struct err *err)
{
	struct swrk *swrk = &start->restore->swrk;
	int r = 0;

	while (r == 0 && !swrk->finished) {
		r = swrk_next(swrk, err);
		if (r == 0 && swrk->fd >= 0 && str_equal(swrk->last.script, "orphan-pts-master"))
			r = take_console(start, err);
		if (r == 0 && script && str_equal(swrk->last.script, script))
			break;
	}
	return r < 0 ? failed(start, r, err) : 0;
}

/* From here on `delete` finds it, even if we are killed. */
static int record(struct start *start, struct err *err)
{
	int r = child_adopt(start->restore->swrk.last.pid, &start->init);

	if (r < 0)
		return err_errno(err, -r, "find the restored process %d",
				 start->restore->swrk.last.pid);
	start->restore->swrk.subject = start->init.pidfd;
	r = status_start_time(start->init.pid, &start->start_time, err);
	if (r < 0)
		return r;
	start->state->pid = (struct json_int){ true, start->init.pid };
	start->state->start_time = (struct json_uint){ true, start->start_time };
	return store_write(start->state_dir, start->state, err);
}

int step_criu_namespaces(struct start *start, struct err *err)
{
	struct restore *restore = start->restore;
	const struct rpc_request request = { .type = RPC_RESTORE, .opts = &restore->opts };
	char *mountinfo;
	int r = mountinfo_read(start->arena, &mountinfo, err);

	if (r < 0)
		return r;
	plan_criu_restore_mounts(start->arena, start->plan, &start->cgroup.place, mountinfo,
				 &restore->opts);
	name_groups(start);
	r = swrk_send(&restore->swrk, &request, err);
	if (r == 0)
		r = go_on(start, "setup-namespaces", err);
	if (r == 0 && restore->swrk.last.pid)
		r = record(start, err);
	return r;
}

int step_criu_restore(struct start *start, struct err *err)
{
	int r = go_on(start, "post-restore", err);

	return r == 0 && !child_is_there(&start->init) ? record(start, err) : r;
}

/* The last point at which it could be ended with us: CRIU does not wait for an answer to anything
 * that it sends after this one. */
int step_criu_ready(struct start *start, struct err *err)
{
	int r;

	start->state->released = (struct json_bool){ true, true };
	r = store_write(start->state_dir, start->state, err);
	return r < 0 ? r : go_on(start, "pre-resume", err);
}

int step_criu_resume(struct start *start, struct err *err)
{
	int r = go_on(start, NULL, err);

	if (r < 0)
		return r;
	/* It has answered, and has little left to do. */
	r = child_reap(&start->stager, DEATH_TIMEOUT_MS, NULL);
	if (r < 0)
		return err_errno(err, -r, "wait for criu to exit");
	swrk_done(&start->restore->swrk);
	return 0;
}
