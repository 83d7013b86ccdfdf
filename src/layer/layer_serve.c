/* SPDX-License-Identifier: Apache-2.0 */
#include "src/layer/layer_serve.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"
#include "src/layer/layer_served.h"
#include "src/sys/mountfd.h"
#include "src/sys/pidfd.h"
#include "src/sys/program.h"
#include "src/sys/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE "/dev/fuse"

/* The container's messages, each with a descriptor. */
enum word { WORD_USERNS, WORD_LOWER, WORD_PART, WORD_SERVE, WORD_WHY };

struct message {
	enum word word;
	struct layer_served_ids ids;
};

struct keeper {
	struct arena arena;
	const char *program, *id;
	int sock;
	int lower, part, device; /* for the next overlay to serve */
	bool entered;            /* the container's user namespace */
	struct served {          /* server processes */
		struct child child;
		int words; /* their output */
	} * v;
	size_t n, cap;
};

int layer_serve_find(struct arena *arena, const char **ret_program, struct err *err)
{
	_cleanup_close_ int device = -1;
	struct stat st;

	*ret_program = program_find(arena, "fuse-overlayfs", PROGRAM_USUAL_PLACES);
	if (!*ret_program) {
		(void)err_set(err, ENOENT, "fuse-overlayfs is not installed");
		return err_hint(err, "install the package fuse-overlayfs");
	}
	device = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (device >= 0 && fstat(device, &st) == 0 && S_ISCHR(st.st_mode))
		return 0;
	(void)err_errno(err, device < 0 ? errno : ENODEV, "fuse-overlayfs needs " DEVICE);
	return err_hint(err, err->code == EACCES ? "as root: chmod 666 " DEVICE
						 : "as root: modprobe fuse; a container must be "
						   "given the device");
}

static void answer(const struct keeper *k, const struct err *err, int fd)
{
	(void)sock_send(k->sock, err, sizeof(*err), fd);
}

/* Passes on the last output of a server that failed or is about to. */
static void tell_why(struct keeper *k)
{
	enum { PATIENCE_MS = 5000 };
	struct err err = { 0 };
	char said[512] = "";
	ssize_t n = -1;

	if (k->n) {
		(void)child_reap(&k->v[k->n - 1].child, PATIENCE_MS, NULL);
		n = read(k->v[k->n - 1].words, said, sizeof(said) - 1);
	}
	said[n > 0 ? n : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	(void)err_set(&err, EIO, "%s", *said ? said : "it exited without an error message");
	answer(k, &err, -1);
}

/* The kernel requires the device to be opened in the user namespace that mounts; and the
 * container's process is in a cgroup that may not be allowed to. */
static void open_device(struct keeper *k, int userns)
{
	struct err err = { 0 };
	int r = k->entered ? 0 : layer_served_enter(userns, &err);

	k->entered |= r == 0;
	fd_closep(&k->device);
	if (r == 0) {
		k->device = open(DEVICE, O_RDWR | O_CLOEXEC);
		if (k->device < 0)
			(void)err_errno(&err, errno, "it needs " DEVICE);
	}
	answer(k, &err, k->device);
}

static void serve(struct keeper *k, const struct layer_served_ids *ids)
{
	const struct clone_request how = { .cgroup_fd = -1 };
	struct served served = { .child = CHILD_NONE };
	struct err err = { 0 };
	int words[2];
	pid_t pid = -1;

	/* O_NONBLOCK: nobody waits for a slow reader. */
	if (pipe2(words, O_CLOEXEC | O_NONBLOCK) == 0) {
		served.words = words[0];
		pid = child_clone(&how, &served.child);
		if (pid == 0)
			layer_served_main(&k->arena, &(struct layer_served){ .program = k->program,
									     .id = k->id,
									     .lower = k->lower,
									     .part = k->part,
									     .device = k->device,
									     .words = words[1],
									     .ids = *ids });
		fd_closep(&words[1]);
		if (pid < 0)
			fd_closep(&words[0]);
	}
	if (pid < 0) {
		(void)err_set(&err, EAGAIN, "it cannot be started");
	} else {
		k->v = arena_room(&k->arena, k->v, k->n, &k->cap, sizeof(*k->v));
		k->v[k->n++] = served;
	}
	/* The file system ends with the last holder of its device, which must not be us. */
	fd_closep(&k->lower);
	fd_closep(&k->part);
	fd_closep(&k->device);
	answer(k, &err, -1);
}

static bool hear_one(struct keeper *k)
{
	struct message message;
	_cleanup_close_ int fd = -1;

	if (sock_recv(k->sock, &message, sizeof(message), &fd) != sizeof(message))
		return false;
	switch (message.word) {
	case WORD_USERNS:
		open_device(k, fd);
		return true;
	case WORD_LOWER:
		fd_closep(&k->lower);
		k->lower = fd_take(&fd);
		return true;
	case WORD_PART:
		fd_closep(&k->part);
		k->part = fd_take(&fd);
		return true;
	case WORD_SERVE:
		serve(k, &message.ids);
		return true;
	case WORD_WHY:
		tell_why(k);
		return true;
	}
	return false;
}

static int leave_caller(const struct keeper *k)
{
	int null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC), keep[] = { k->sock };

	(void)setsid();
	program_reset_signals(~0ULL);
	(void)prctl(PR_SET_NAME, "usrun:[layer]", 0, 0, 0);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
	    chdir("/") < 0)
		return -errno;
	program_close_others(3, keep, 1); /* closes null, too */
	return 0;
}

static __attribute__((noreturn)) void keep(struct keeper *k)
{
	program_show_title(arena_strf(&k->arena, "usrun:[layer] %s", k->id));
	if (leave_caller(k) < 0)
		child_exit(1);
	while (hear_one(k))
		;
	fd_closep(&k->sock);
	fd_closep(&k->device);
	for (size_t i = 0; i < k->n; i++)
		while (child_is_there(&k->v[i].child) &&
		       child_reap(&k->v[i].child, INT_MAX, NULL) == -ETIMEDOUT)
			;
	child_exit(0);
}

int layer_serve_start(const char *program, const char *id, struct child *ret_keeper, int *ret_sock,
		      struct err *err)
{
	const struct clone_request how = { .cgroup_fd = -1 };
	int pair[2], r = sock_pair(pair, err);
	struct keeper k = {
		.program = program, .id = id, .sock = -1, .lower = -1, .part = -1, .device = -1
	};
	pid_t pid;

	if (r < 0)
		return r;
	k.sock = pair[0];
	pid = child_clone(&how, ret_keeper);
	if (pid == 0)
		keep(&k);
	fd_closep(&pair[0]);
	if (pid < 0) {
		fd_closep(&pair[1]);
		return err_errno(err, (int)-pid, "start the keeper of the layer");
	}
	*ret_sock = pair[1];
	return 0;
}

static int set_options(const struct layer_serve_request *q, int fs, int device)
{
	char fd[16], uid[16], gid[16];
	const struct {
		const char *key, *value;
	} options[] = {
		{ "source", "fuse-overlayfs" },
		{ "subtype", "fuse-overlayfs" },
		{ "fd", fd },
		{ "rootmode", "40000" },
		{ "user_id", uid },
		{ "group_id", gid },
		{ "default_permissions", NULL },
		{ "allow_other", NULL },
	};
	int r = 0;

	(void)snprintf(fd, sizeof(fd), "%d", device);
	(void)snprintf(uid, sizeof(uid), "%u", q->uid);
	(void)snprintf(gid, sizeof(gid), "%u", q->gid);
	for (size_t i = 0; r >= 0 && i < sizeof(options) / sizeof(options[0]); i++)
		r = mountfd_fs_set(fs, options[i].key, options[i].value);
	return r < 0 ? r : mountfd_fs_create(fs);
}

static int make_mount(const struct layer_serve_request *q, int device, struct err *err)
{
	_cleanup_close_ int fs = mountfd_fs_open("fuse");
	char words[256] = "";
	int r = fs < 0 ? fs : set_options(q, fs, device);

	if (r >= 0)
		r = mountfd_fs_mount(fs, q->attrs);
	if (r < 0 && fs >= 0)
		mountfd_fs_message(fs, words, sizeof(words));
	words[strcspn(words, "\n")] = '\0';
	if (r < 0 && *words)
		return err_set(err, -r, "fuse-overlayfs: mount the overlay: %s", words);
	return r < 0 ? err_errno(err, -r, "fuse-overlayfs: mount the overlay") : r;
}

static int hear(const struct layer_serve_request *q, int *ret_fd, struct err *err)
{
	struct err said;
	ssize_t n = sock_recv(q->sock, &said, sizeof(said), ret_fd);

	if (n == sizeof(said) && !said.code)
		return 0;
	fd_closep(ret_fd);
	if (n != sizeof(said))
		return err_set(err, ECHILD, "fuse-overlayfs: the keeper of the layer was killed");
	return err_set(err, said.code, "fuse-overlayfs: %s", said.text);
}

static int tell(const struct layer_serve_request *q, enum word word, int fd, struct err *err)
{
	const struct message message = { word, { q->squash, q->uid, q->gid } };
	int r = sock_send(q->sock, &message, sizeof(message), fd);

	return r < 0 ? err_errno(err, -r, "fuse-overlayfs: ask the keeper of the layer") : 0;
}

static int ask(const struct layer_serve_request *q, enum word word, int fd, int *ret_fd,
	       struct err *err)
{
	int r = tell(q, word, fd, err);

	*ret_fd = -1;
	return r < 0 ? r : hear(q, ret_fd, err);
}

static int pass_layers(const struct layer_serve_request *q, struct err *err)
{
	_cleanup_close_ int part = mountfd_clone(q->part, "", false, false);
	int r = part < 0 ? err_errno(err, -part, "fuse-overlayfs: pass on the layer")
			 : tell(q, WORD_LOWER, q->lower, err);

	return r < 0 ? r : tell(q, WORD_PART, part, err);
}

static int start_device(const struct layer_serve_request *q, int *ret_device, struct err *err)
{
	_cleanup_close_ int userns = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);

	if (userns < 0)
		return err_errno(err, errno, "fuse-overlayfs: open the user namespace");
	return ask(q, WORD_USERNS, userns, ret_device, err);
}

/* fstat() waits until the server has started; if it does not start, the kernel reports that its
 * connection is gone. */
int layer_serve_overlay(const struct layer_serve_request *request, struct err *err)
{
	_cleanup_close_ int mount = -1, device = -1;
	int none, r = start_device(request, &device, err);
	struct stat st;

	if (r == 0)
		r = mount = make_mount(request, device, err);
	fd_closep(&device);
	if (r >= 0)
		r = pass_layers(request, err);
	if (r == 0)
		r = ask(request, WORD_SERVE, -1, &none, err);
	if (r == 0 && fstat(mount, &st) < 0) {
		(void)err_errno(err, errno, "fuse-overlayfs: use the overlay");
		(void)!ask(request, WORD_WHY, -1, &none, err);
		r = -err->code;
	}
	return r < 0 ? r : fd_take(&mount);
}
