/* SPDX-License-Identifier: Apache-2.0 */
/* Restore: CRIU stands where the stager does in a start. It runs in the container's cgroup, so
 * that what it makes is born there, and in a mount namespace of its own, so that the rootfs,
 * which has to be a mount point for it, is one nowhere else, and is none any more when it has
 * ended. It stops at its notifications, between which the rows of the table do what is ours. The
 * first process that it makes is a child of this one. */
#include "src/steps/restore.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/path.h"
#include "src/criu/report.h"
#include "src/host/mountinfo.h"
#include "src/oci/names.h"
#include "src/plan/plan_criu.h"
#include "src/state/status.h"
#include "src/steps/step_mounts.h"
#include "src/sys/mountfd.h"
#include "src/sys/privs.h"
#include "src/sys/resolve.h"
#include "src/sys/sock.h"
#include "src/sys/tty.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEATH_TIMEOUT_MS = 10000, MAX_STREAMS_FILE = 64 * 1024, MAX_INHERITED = 16 };

/* Nothing is made where CRIU brings the file system with it. */
static bool in_new_fs(const struct rootfs_plan *rootfs, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		const struct mount_entry *m = &rootfs->mounts[k];

		if (m->kind != MOUNT_BIND && m->kind != MOUNT_REMOUNT &&
		    path_is_below(rootfs->mounts[i].target, m->target))
			return true;
	}
	return false;
}

static int make_point(struct start *start, const struct mount_entry *m, struct err *err)
{
	_cleanup_close_ int target = -1;
	struct stat st = { .st_mode = S_IFDIR };

	if (m->kind == MOUNT_BIND && stat(m->source, &st) < 0)
		return err_errno(err, errno, ERR_AT "mounts[%ld].source: %s", m->config_index,
				 m->source);
	target = step_mounts_target(start, m, S_ISDIR(st.st_mode), err);
	if (target < 0)
		return target;
	/* Others may lie in it. */
	if (m->kind == MOUNT_BIND &&
	    mount(m->source, fd_path(target).text, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_errno(err, errno, ERR_AT "mounts[%ld]: bind %s on %s", m->config_index,
				 m->source, m->target);
	return 0;
}

/* On another host, or of another rootfs, they may be missing. In a mount namespace that nobody
 * sees. */
static int make_points(struct start *start, struct err *err)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;
	_cleanup_close_ int back = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int r = 0;

	if (back < 0 || unshare(CLONE_NEWNS) < 0)
		return err_errno(err, errno, "make a mount namespace");
	start->rootfs = openat(AT_FDCWD, rootfs->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (start->rootfs < 0)
		return err_errno(err, errno, ERR_AT "root.path: open %s", rootfs->path);
	for (size_t i = 0; r == 0 && i < rootfs->n_mounts; i++)
		if (rootfs->mounts[i].kind != MOUNT_REMOUNT && !rootfs->mounts[i].inside &&
		    !in_new_fs(rootfs, i))
			r = make_point(start, &rootfs->mounts[i], err);
	fd_closep(&start->rootfs);
	if (r == 0 && setns(back, CLONE_NEWNS) < 0)
		r = err_errno(err, errno, "leave a mount namespace");
	return r;
}

static int make_root(struct start *start, struct err *err)
{
	const char *path = start->plan->rootfs.path;

	/* What is unmounted on the host goes here too. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_errno(err, errno, "make the mounts of criu its own");
	if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    mount(NULL, path, NULL, MS_PRIVATE, NULL) < 0)
		return err_errno(err, errno, ERR_AT "root.path: bind %s", path);
	return make_points(start, err);
}

/* The clone has put it into the v2 group, systemd into its unit. What it makes has the cgroup
 * namespace that it has then, whose root is its own group. Of --manage-cgroups-mode the namespace
 * is a part, and CRIU makes it. */
static int enter_groups(struct start *start, struct err *err)
{
	uint32_t flags = start->plan->flags;
	int r = 0;

	if ((flags & PLAN_CGROUP) && !(flags & PLAN_CGROUP_UNIT))
		r = driver_clone_fd(&start->cgroup) >= 0
			    ? driver_join_self(&start->cgroup, err)
			    : driver_join_self_slowly(&start->cgroup, err);
	if (r < 0 || !(flags & PLAN_CGROUPNS) || start->restore->opts.manage_cgroups)
		return r;
	return unshare(CLONE_NEWCGROUP) < 0 ? err_errno(err, errno, "make a cgroup namespace") : 0;
}

/* In CRIU's process, before it is CRIU. */
static int prepare(void *data, struct err *err)
{
	int r = enter_groups(data, err);

	return r < 0 ? r : make_root(data, err);
}

struct inherited { /* descriptors that CRIU gets, by name */
	struct rpc_fd v[MAX_INHERITED];
	size_t n;
};

static void give(struct inherited *in, const char *key, int fd)
{
	if (in->n < MAX_INHERITED)
		in->v[in->n++] = (struct rpc_fd){ key, fd };
}

/* Joined: those of net and pid exist for CRIU as descriptors, the others by their paths. */
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

/* Images of others may have none. */
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

/* CRIU sets the position that a file had, also in what stands for it. */
static int open_stream(int stream, bool null, bool file, struct err *err)
{
	int fd = null ? openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC)
		      : fcntl(stream, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return err_errno(err, errno, "open standard stream %d", stream);
	if (!file || null || lseek(fd, 0, SEEK_CUR) >= 0)
		return fd;
	fd_closep(&fd);
	(void)err_set(err, ESPIPE,
		      "standard stream %d was a file, and is one that has no positions", stream);
	return err_hint(err, "redirect it to a file, or to /dev/null");
}

/* Streams that led out of the container are those of our caller from here on. */
static int give_streams(struct start *start, struct inherited *in, struct err *err)
{
	struct streams streams = { 0 };
	int r = read_streams(start, &streams, err);

	for (size_t i = 0; r == 0 && i < streams.v.n; i++) {
		const char *text = streams.v.v[i];
		bool null, known = false;
		const char *key = plan_criu_stream_key(start->arena, text, &null);
		int fd;

		for (size_t k = 0; key && k < in->n; k++)
			known |= str_equal(in->v[k].key, key);
		if (!key || known || (i >= PLAN_CRIU_STREAMS && !null))
			continue;
		fd = open_stream((int)i, null, str_starts(key, "file"), err);
		if (fd < 0)
			r = fd;
		else
			give(in, key, fd);
	}
	return r;
}

/* Where the groups of the images are to be. */
static void name_groups(struct start *start)
{
	const struct cgroup_place *place = &start->cgroup.place;
	struct rpc_opts *opts = &start->restore->opts;
	struct rpc_pair *groups = arena_array(start->arena, place->dirs.n + 1, sizeof(*groups));

	for (size_t i = 0; opts->manage_cgroups && i < place->dirs.n; i++)
		groups[opts->n_groups++] =
			(struct rpc_pair){ place->dirs.v[i].controllers, place->dirs.v[i].path };
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
				  .prepare = prepare,
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

int step_criu_start(struct start *start, struct err *err)
{
	struct rpc_opts *opts = &start->restore->opts;
	struct inherited *in = arena_new(start->arena, struct inherited);
	int r = give_streams(start, in, err);

	if (r < 0)
		return r;
	give_namespaces(start, in);
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
		int copy = in->v[i].fd; /* CRIU has it, by this number */

		if (!str_starts(in->v[i].key, "extRoot"))
			fd_closep(&copy);
	}
	return r;
}

int step_criu_exec(struct start *start, struct err *err)
{
	return swrk_exec(&start->restore->swrk, err);
}

/* The master of the terminal that the container had. */
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

	if (r != -EREMOTEIO && r != -ECONNRESET)
		return r;
	if (r == -ECONNRESET && faccessat(restore->work, RESTORE_LOG, F_OK, 0) < 0)
		return r;
	return report_failure(restore->work, restore->work_path, RESTORE_LOG,
			      restore->swrk.last.message, err);
}

/* Up to a notification, at which CRIU then waits; or, with NULL, to the end. */
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

/* From here on `delete` finds it, whatever becomes of us. */
static int record(struct start *start, struct err *err)
{
	int r = child_adopt(start->restore->swrk.last.pid, &start->init);

	if (r < 0)
		return err_errno(err, -r, "find the restored process %d",
				 start->restore->swrk.last.pid);
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

static int protect(const struct mount_entry *m, int root)
{
	uint64_t all = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	_cleanup_close_ int fd = resolve_open(root, m->target, O_PATH);
	int r = fd < 0 ? fd : mountfd_set_attr(fd, m->attr_set & all, 0, 0, false);

	return r == 0 && (m->rattr_set & all) ? mountfd_set_attr(fd, m->rattr_set & all, 0, 0, true)
					      : r;
}

/* In the container's mount namespace. */
static int protect_all(struct start *start, struct err *err)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;
	_cleanup_close_ int root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	for (size_t i = 0; r == 0 && i < rootfs->n_mounts; i++)
		if (rootfs->mounts[i].kind == MOUNT_BIND && !rootfs->mounts[i].inside) {
			r = protect(&rootfs->mounts[i], root);
			if (r < 0)
				return err_errno(err, -r, "set the options of the mount on %s",
						 rootfs->mounts[i].target);
		}
	for (size_t i = 0; i < rootfs->n_masked; i++) {
		_cleanup_close_ int fd = resolve_open(root, rootfs->masked[i], O_PATH);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode))
			continue;
		r = mountfd_set_attr(fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
				     0, 0, false);
		if (r < 0)
			return err_errno(err, -r, "set the options of the mask on %s",
					 rootfs->masked[i]);
	}
	return 0;
}

static __attribute__((noreturn)) void protect_child(struct start *start, int report)
{
	struct err err = { 0 };
	int r = privs_die_with_parent(&err);

	if (r == 0 && setns(start->init.pidfd, CLONE_NEWNS) < 0)
		r = err_errno(&err, errno, "enter the restored mounts");
	if (r == 0)
		r = protect_all(start, &err);
	if (r < 0)
		(void)sock_send(report, &err, sizeof(err), -1);
	child_exit(r < 0);
}

/* Where CRIU sees two mounts of one file or directory it gives the second the options of the
 * first: what was read-only would be writable. The processes stand still yet. */
int step_criu_protect(struct start *start, struct err *err)
{
	const struct clone_request request = { .cgroup_fd = -1 };
	struct child child = CHILD_NONE;
	struct err theirs = { 0 };
	int report[2], fd = -1, status = 0, r = sock_pair(report, err);
	pid_t pid;

	if (r < 0)
		return r;
	pid = child_clone(&request, &child);
	if (pid == 0)
		protect_child(start, report[1]);
	fd_closep(&report[1]);
	if (pid > 0 && sock_recv(report[0], &theirs, sizeof(theirs), &fd) == sizeof(theirs)) {
		*err = theirs;
		r = -theirs.code;
	}
	fd_closep(&fd);
	fd_closep(&report[0]);
	if (pid > 0 && child_reap(&child, DEATH_TIMEOUT_MS, &status) < 0)
		(void)child_end(&child, DEATH_TIMEOUT_MS);
	if (pid < 0 || (r == 0 && status))
		return err_errno(err, pid < 0 ? (int)-pid : ECHILD, "check the restored mounts");
	return r;
}

int step_criu_resume(struct start *start, struct err *err)
{
	int r = go_on(start, NULL, err);

	if (r < 0)
		return r;
	/* It has answered, and has little left to do. */
	r = child_reap(&start->stager, DEATH_TIMEOUT_MS, NULL);
	if (r < 0)
		return err_errno(err, -r, "wait for the end of criu");
	swrk_done(&start->restore->swrk);
	return 0;
}
