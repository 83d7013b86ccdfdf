/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_notify.h"

#include "src/base/fd.h"
#include "src/sys/sock.h"

#include <string.h>

/* Small enough for the kernel to take it whole or not at all. */
enum { CHUNK = 4096 };

int filter_notify_pass(enum filter_handover how, int sock, const void *data, size_t len, int fd)
{
	if (how == FILTER_HANDOVER_SENDMMSG)
		return sock_send_mmsg(sock, data, len, fd);
	return sock_send(sock, data, len, fd);
}

static void write_state(struct json_write *w, const struct filter_notify *notify)
{
	static const char *const fds[] = { "seccompFd" };

	json_write_object(w, NULL);
	json_write_string(w, "ociVersion", STATE_DOC_OCI_VERSION);
	json_write_strings(w, "fds", fds, 1);
	json_write_int(w, "pid", notify->pid);
	if (notify->metadata)
		json_write_string(w, "metadata", notify->metadata);
	json_write_object(w, "state");
	state_doc_members(w, notify->state);
	json_write_end(w);
	json_write_end(w);
}

/* The descriptor travels with the first piece only (config-linux.md, "The Container Process State"). */
static int send_all(int sock, const char *text, size_t len, int fd)
{
	for (size_t at = 0; at < len; at += CHUNK) {
		size_t n = len - at < CHUNK ? len - at : CHUNK;
		int r = sock_send(sock, text + at, n, at ? -1 : fd);

		if (r < 0)
			return r;
	}
	return 0;
}

int filter_notify_send(const char *path, int listener, const struct filter_notify *notify,
		       struct err *err)
{
	_cleanup_json_write_ struct json_write *w = NULL;
	_cleanup_close_ int sock = -1;
	const char *text;
	size_t len;
	int r;

	if (!path) {
		return err_set(err, EINVAL,
			       ERR_AT "linux.seccomp: SCMP_ACT_NOTIFY is used, but seccomp "
				      "listenerPath is not set");
	}
	w = json_write_new(false);
	write_state(w, notify);
	text = json_write_text(w, &len, err);
	if (!text)
		return err_prefix(err, "the container process state for the seccomp agent");
	sock = sock_connect(path, 0);
	if (sock < 0) {
		(void)err_errno(err, -sock, ERR_AT "linux.seccomp: connect to the agent at %s",
				path);
		return err_hint(
			err,
			"the agent must listen on that socket (SOCK_STREAM) before the container "
			"is created");
	}
	r = send_all(sock, text, len, listener);
	if (r < 0) {
		return err_errno(err, -r,
				 ERR_AT "linux.seccomp: send the listener to the agent at %s",
				 path);
	}
	return 0;
}
