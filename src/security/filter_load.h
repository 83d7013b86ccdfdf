/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the calling process under a filter, and brings the listener of SCMP_ACT_NOTIFY to its agent.
 * From then on, and until the program runs, the runtime itself may make only the calls that the
 * profile allows. */
#pragma once

#include "src/oci/state_doc.h"
#include "src/security/filter_compile.h"

/* *ret_listener is the descriptor for the agent (close-on-exec) or -1. A flag that the profile asks
 * for and the kernel does not know is an error. Needs no_new_privs or CAP_SYS_ADMIN. */
int filter_load(const struct filter_program *program, int *ret_listener,
		struct err *err) MUST_CHECK;

/* For a process of ours that others may trace: it and its children may make these calls (SYS_*, at
 * most 16) and no others. Needs no_new_privs or CAP_SYS_ADMIN. 0 or -errno. */
int filter_load_own(const int *calls, size_t n);

/* SECCOMP_FILTER_FLAG_* of profiles that this kernel takes, for `features`. */
unsigned int filter_load_flags(void);

/* From init, which the filter already applies to, to the parent, and from there, with the container
 * process state, to the profile's socket. */
struct filter_notify {
	const struct state_doc *state; /* status "creating", or the present one for exec */
	int64_t pid;                   /* as the runtime sees it */
	const char *metadata;          /* listenerMetadata, or NULL */
};

/* In init, from filter_load() on: one datagram with an optional descriptor (fd -1: none) over a
 * socket to the parent, by the call that the profile lets through. 0 or -errno. */
int filter_load_pass(enum filter_handover how, int sock, const void *data, size_t len,
		     int fd) MUST_CHECK;

/* In the parent: connects to the agent's stream socket, sends the state and the descriptor, once,
 * and closes. path is listenerPath (or that of annotation run.oci.seccomp.receiver); NULL is an
 * error. */
int filter_load_send(const char *path, int listener, const struct filter_notify *notify,
		     struct err *err) MUST_CHECK;
