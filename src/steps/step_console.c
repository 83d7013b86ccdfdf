/* SPDX-License-Identifier: Apache-2.0 */
/* The container's terminal. The pair comes from the container's own devpts; the slave is opened
 * through the master, never by a name, which the image could have planted (CVE-2025-52565). */
#include "src/steps/steps.h"

#include "src/base/fd.h"
#include "src/state/status.h"
#include "src/steps/keeper.h"
#include "src/sys/mountfd.h"
#include "src/sys/resolve.h"
#include "src/sys/sock.h"
#include "src/sys/tty.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

int step_console_connect(struct start *start, struct err *err)
{
	const char *path = start->plan->options->console_socket;

	start->console_socket = sock_connect(path, SOCK_PATIENCE_MS);
	if (start->console_socket < 0)
		return err_errno(err, -start->console_socket, "--console-socket: connect to %s",
				 path);
	return 0;
}

int step_console_keep(struct start *start, struct err *err)
{
	_cleanup_close_ int listener = sock_new();
	const struct keeper_request request = { .id = start->state->id,
						.console = start->console_master,
						.listener = listener,
						.init = &start->init };
	uint64_t start_time = 0;
	int r = listener < 0 ? listener : sock_listen_at(listener, start->state_dir, "console");

	if (r < 0)
		return err_errno(err, -r, "create the socket of the terminal in %s/%s",
				 store_root(start->store), start->state->id);
	r = keeper_start(&request, &start->console_keeper, err);
	fd_closep(&start->console_master);
	if (r == 0)
		r = status_start_time(start->console_keeper.pid, &start_time, err);
	start->state->console_pid = (struct json_int){ start_time != 0, start->console_keeper.pid };
	start->state->console_start_time = (struct json_uint){ start_time != 0, start_time };
	return r;
}

static int open_pair(struct start *start, int root, struct err *err)
{
	const struct process_plan *process = &start->plan->process;
	_cleanup_close_ int pts = resolve_open(root, "/dev/pts", O_PATH | O_DIRECTORY);
	int r;

	if (pts < 0) {
		(void)err_errno(err, -pts, "open /dev/pts of the container for its terminal");
		return err_hint(err, "the config needs a mount of type devpts on /dev/pts");
	}
	r = tty_open_pair(pts, &start->console_master, &start->console_slave, err);
	if (r == -EINVAL)
		err_hint(err, "the config needs a mount of type devpts on /dev/pts");
	if (r < 0)
		return r;
	/* Before the program can query it. A real window takes precedence over the configured
	 * size. */
	if (start->console_socket >= 0 || !tty_copy_size(tty_with_window(), start->console_master))
		r = !process->rows || !process->columns
			    ? 0
			    : tty_set_size(start->console_master, process->rows, process->columns);
	if (r < 0)
		return err_errno(err, -r, ERR_AT "process.consoleSize");
	/* An unmapped owner cannot be set, which does no harm: the opener owns the terminal. */
	if (fchown(start->console_slave, process->uid, (gid_t)-1) < 0 && errno != EINVAL &&
	    errno != EPERM)
		return err_errno(err, errno, "give the terminal to uid %u", process->uid);
	return 0;
}

static int hand_over(struct start *start, struct err *err)
{
	static const char payload[] = "/dev/pts/ptmx"; /* receivers expect some, below 4096 bytes */
	int r = 0;

	/* Output copied to a file or pipe is plain text to its reader. */
	if (start->console_socket < 0 && !(start->plan->flags & PLAN_CONSOLE_KEPT) &&
	    !isatty(STDOUT_FILENO))
		r = tty_keep_newlines(start->console_slave);
	if (r < 0)
		return err_errno(err, -r, "set the mode of the terminal");
	if (start->console_socket >= 0) {
		r = sock_send(start->console_socket, payload, sizeof(payload) - 1,
			      start->console_master);
		if (r < 0)
			return err_errno(err, -r, "--console-socket: send the terminal to %s",
					 start->plan->options->console_socket);
		fd_closep(&start->console_socket);
		fd_closep(&start->console_master);
	}
	return 0;
}

static int bind_console(struct start *start, struct err *err)
{
	_cleanup_close_ int target =
		resolve_mount_point(start->rootfs, "/dev/console", false, false, err);
	_cleanup_close_ int mount = -1;
	int r;

	if (target < 0)
		return target;
	mount = mountfd_clone(start->console_slave, "", false, false);
	r = mount < 0 ? mount : mountfd_set_attr(mount, 0, 0, MS_PRIVATE, false);
	if (r == 0)
		r = mountfd_attach(mount, target);
	return r < 0 ? err_errno(err, -r, "bind the terminal on /dev/console") : 0;
}

int step_console(struct start *start, struct err *err)
{
	int r = open_pair(start, start->rootfs, err);

	if (r == 0 && (start->plan->flags & PLAN_MOUNTS))
		r = bind_console(start, err);
	return r < 0 ? r : hand_over(start, err);
}

int step_console_take(struct start *start, struct err *err)
{
	int r = tty_take(start->console_slave, err);

	fd_closep(&start->console_slave);
	return r;
}

/* exec: the container has its console already; this process gets its own terminal. */
int step_console_enter(struct start *start, struct err *err)
{
	_cleanup_close_ int root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (root < 0)
		return err_errno(err, errno, "open the root of the container");
	r = open_pair(start, root, err);
	return r < 0 ? r : hand_over(start, err);
}
