/* SPDX-License-Identifier: Apache-2.0 */
/* Findings, and processes in which something is tried. */
#include "src/doctor/doctor_parts.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/oci/decode.h"
#include "src/sys/child.h"
#include "src/sys/privs.h"
#include "src/sys/sock.h"

#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { TRIAL_TIMEOUT_MS = 20000, END_TIMEOUT_MS = 5000 };

static const char *words(struct doctor *d, const char *fmt, va_list ap)
{
	char text[1024];

	str_line(text, sizeof(text), fmt, ap);
	return arena_strdup(d->arena, text);
}

static void set(struct doctor *d, struct doctor_finding *ret, enum doctor_result result,
		const char *fix, const char *cause)
{
	ret->result = result;
	ret->cause = cause;
	ret->fix = arena_strdup(d->arena, fix);
}

void doctor_ok(struct doctor *d, struct doctor_finding *ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(d, ret, DOCTOR_OK, NULL, words(d, fmt, ap));
	va_end(ap);
}

void doctor_skip(struct doctor *d, struct doctor_finding *ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(d, ret, DOCTOR_SKIP, NULL, words(d, fmt, ap));
	va_end(ap);
}

void doctor_warn(struct doctor *d, struct doctor_finding *ret, const char *fix, const char *fmt,
		 ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(d, ret, DOCTOR_WARN, fix, words(d, fmt, ap));
	va_end(ap);
}

void doctor_fail(struct doctor *d, struct doctor_finding *ret, const char *fix, const char *fmt,
		 ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(d, ret, DOCTOR_FAIL, fix, words(d, fmt, ap));
	va_end(ap);
}

void doctor_say(struct doctor *d, struct doctor_finding *ret, enum doctor_result result,
		const struct err *err)
{
	set(d, ret, result, *err->hint ? err->hint : NULL, arena_strdup(d->arena, err->text));
}

int doctor_plan(struct doctor *d, const char *resources, const char *map, const struct plan **ret,
		struct err *err)
{
	struct plan_options *options = arena_new(d->arena, struct plan_options);
	const struct oci_config *config;
	const char *text = arena_strf(
		d->arena,
		"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":"
		"\"/\",\"args\":[\"true\"],\"user\":{\"uid\":0,\"gid\":0}},\"linux\":{"
		"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},"
		"{\"type\":\"uts\"},{\"type\":\"mount\"}],\"resources\":%s}}",
		resources ? resources : "{}");
	int r = decode_config(d->arena, "config.json", text, strlen(text), &config, err);

	*options = (struct plan_options){ .id = arena_strf(d->arena, "doctor-%d", (int)getpid()),
					  .bundle = "/",
					  .map = map };
	return r < 0 ? r : plan_build(d->arena, config, &d->facts, options, ret, err);
}

static __attribute__((noreturn)) void child_main(struct doctor *d, const struct doctor_trial *trial,
						 int sock)
{
	struct err err = { 0 };
	char go;
	int fd, r = privs_die_with_parent(0, &err); /* had it ended, the socket hangs up */

	if (r == 0 && sock_recv(sock, &go, 1, &fd) != 1)
		child_exit(1);
	if (r == 0 && (trial->flags & CLONE_NEWNS) &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		r = err_errno(&err, errno, "make the mounts private");
	if (r == 0)
		r = trial->act(d, trial->data, &err);
	err.code = r < 0 ? -r : 0;
	(void)sock_send(sock, &err, sizeof(err), -1);
	child_exit(0);
}

/* Receives the child's final message. */
static int hear(int sock, struct err *err)
{
	struct pollfd fds = { .fd = sock, .events = POLLIN };
	struct err said = { 0 };
	int n, fd;

	do
		n = poll(&fds, 1, TRIAL_TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return err_set(err, ETIMEDOUT, "the kernel did not answer in time");
	if (sock_recv(sock, &said, sizeof(said), &fd) != (ssize_t)sizeof(said))
		return err_set(err, ECHILD,
			       "the test process was killed, most likely by a seccomp "
			       "filter around usrun");
	if (said.code)
		*err = said;
	return said.code ? -said.code : 0;
}

int doctor_trial_run(struct doctor *d, const struct doctor_trial *trial, struct err *err)
{
	const struct clone_request request = {
		.flags = trial->flags | (trial->map ? CLONE_NEWUSER : 0), .cgroup_fd = -1
	};
	struct child child = CHILD_NONE;
	int pair[2], r = sock_pair(pair, err);
	pid_t pid;

	if (r < 0)
		return r;
	pid = child_clone(&request, &child);
	if (pid == 0) {
		fd_closep(&pair[0]);
		child_main(d, trial, pair[1]);
	}
	fd_closep(&pair[1]);
	if (pid < 0)
		r = trial->map ? probe_userns_refused((int)-pid, err)
			       : err_errno(err, (int)-pid, "create a process in new namespaces");
	else if (trial->map)
		r = idmap_write(trial->map, pid, err);
	if (r == 0)
		r = sock_send(pair[0], "", 1, -1) < 0
			    ? err_set(err, ECHILD, "the test process has exited")
			    : hear(pair[0], err);
	fd_closep(&pair[0]);
	(void)child_end(&child, END_TIMEOUT_MS);
	return r;
}
