/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_load.h"

#include "src/base/fd.h"
#include "src/base/str.h"
#include "src/oci/names.h"
#include "src/sys/bpf.h"
#include "src/sys/sock.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MAX_OWN_CALLS = 16 };

static int install(const struct filter_program *program, unsigned int flags, int *ret_listener)
{
	int r = bpf_filter_install(program->insns, program->n, flags);

	if (r < 0)
		return r;
	if (program->needs_listener)
		*ret_listener = r;
	return 0;
}

int filter_load_own(const int *calls, size_t n)
{
	struct sock_filter v[MAX_OWN_CALLS + 6] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, seccomp_arch_native(), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	size_t at = 4;

	if (n > MAX_OWN_CALLS)
		return -E2BIG;
	for (size_t i = 0; i < n; i++)
		v[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						       (uint32_t)calls[i], (uint8_t)(n - i), 0);
	v[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	v[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return bpf_filter_install(v, (unsigned short)at, 0);
}

unsigned int filter_load_flags(void)
{
	const void *unreadable = (const void *)(uintptr_t)1;
	unsigned int known = 0;

	for (const struct json_name *flag = names_seccomp_flags; *flag->name; flag++) {
		/* Always with a listener, because one flag is refused without it. The program is
		 * unreadable, so nothing is ever installed: a call with known flags fails later,
		 * with EFAULT or EACCES. */
		unsigned int flags = (unsigned int)flag->value | SECCOMP_FILTER_FLAG_NEW_LISTENER;

		if (flag->value & SECCOMP_FILTER_FLAG_TSYNC)
			flags = SECCOMP_FILTER_FLAG_TSYNC;
		if (bpf_filter_install(unreadable, 1, flags) != -EINVAL)
			known |= (unsigned int)flag->value;
	}
	return known;
}

static int explain_invalid(const struct filter_program *program, struct err *err)
{
	unsigned int unknown = program->flags & ~filter_load_flags();
	char names[256] = "";

	for (const struct json_name *flag = names_seccomp_flags; *flag->name; flag++) {
		size_t len = strlen(names);

		if (unknown & (unsigned int)flag->value)
			(void)snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
				       flag->name);
	}
	if (!*names)
		return err_errno(err, EINVAL, ERR_AT "linux.seccomp: load the filter");
	(void)err_set(err, EINVAL, ERR_AT "linux.seccomp.flags: this kernel does not know %s",
		      names);
	return err_hint(err, "remove the flag from the profile, or use a newer kernel");
}

static int explain(const struct filter_program *program, int error, struct err *err)
{
	switch (error) {
	case EINVAL:
		return explain_invalid(program, err);
	case EACCES:
		(void)err_set(err, EACCES,
			      ERR_AT "linux.seccomp: load the filter: the kernel requires "
				     "no_new_privs or CAP_SYS_ADMIN");
		return err_hint(err, "set process.noNewPrivileges to true");
	case EBUSY:
		return err_set(err, EBUSY,
			       ERR_AT "linux.seccomp: load the filter: SCMP_ACT_NOTIFY is used, "
				      "and another filter of this process already has a listener; "
				      "the kernel allows only one");
	case ENOMEM:
		return err_set(err, ENOMEM,
			       ERR_AT "linux.seccomp: load the filter: out of memory, or all "
				      "filters of this process together are too long");
	default:
		return err_errno(err, error, ERR_AT "linux.seccomp: load the filter");
	}
}

int filter_load(const struct filter_program *program, int *ret_listener, struct err *err)
{
	const unsigned int implied = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	int r;

	*ret_listener = -1;
	r = install(program, program->flags, ret_listener);
	/* The profile did not ask for this flag, so a kernel without it is no reason to fail. */
	if (r == -EINVAL && program->flags_implied)
		r = install(program, program->flags & ~implied, ret_listener);
	return r < 0 ? explain(program, -r, err) : 0;
}

/* Small enough for the kernel to accept it whole or not at all. */
enum { CHUNK = 4096 };

int filter_load_pass(enum filter_handover how, int sock, const void *data, size_t len, int fd)
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

/* The descriptor is sent with the first piece only (config-linux.md, "The Container Process
 * State"). */
static int send_all(int sock, const char *text, size_t len, int fd)
{
	for (size_t at = 0; at < len; at += CHUNK) {
		size_t n = len - at < CHUNK ? len - at : CHUNK;
		int r = sock_send(sock, text + at, n, at ? -1 : fd);

		if (r < 0) /* an agent that does not read */
			return r == -EAGAIN ? -ETIMEDOUT : r;
	}
	return 0;
}

int filter_load_send(const char *path, int listener, const struct filter_notify *notify,
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
	sock = sock_connect(path, SOCK_PATIENCE_MS);
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
