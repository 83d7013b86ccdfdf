/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the calling process under a filter, and passes the listener of SCMP_ACT_NOTIFY to its agent.
 * From then until the program runs, the runtime itself may make only the calls that the profile
 * allows. */
#pragma once

#include "src/oci/state_doc.h"
#include "src/security/filter_compile.h"

/* *ret_listener receives the descriptor for the agent (close-on-exec) or -1. A flag in the profile
 * that the kernel does not know is an error. Needs no_new_privs or CAP_SYS_ADMIN. */
int filter_load(const struct filter_program *program, int *ret_listener,
		struct err *err) MUST_CHECK;

/* For a process of ours that others may trace: allows it and its children these calls (SYS_*, at
 * most 16) and no others. Needs no_new_privs or CAP_SYS_ADMIN. 0 or -errno. */
int filter_load_own(const int *calls, size_t n);

/* The SECCOMP_FILTER_FLAG_* that a profile may use on this kernel, for `features`. */
unsigned int filter_load_flags(void);

/* The listener goes from init, which is already under the filter, to the parent, and from there,
 * with the container process state, to the profile's socket. */
struct filter_notify {
	const struct state_doc *state; /* status "creating", or the current one for exec */
	int64_t pid;                   /* as the runtime sees it */
	const char *metadata;          /* listenerMetadata, or NULL */
};

/* For init, from filter_load() on: sends one datagram with an optional descriptor (fd -1: none) to
 * the parent, with the system call that the profile allows. 0 or -errno. */
int filter_load_pass(enum filter_handover how, int sock, const void *data, size_t len,
		     int fd) MUST_CHECK;

/* For the parent: connects to the agent's stream socket, sends the state and the descriptor once,
 * and closes. path is listenerPath (or the annotation run.oci.seccomp.receiver); NULL is an
 * error. */
int filter_load_send(const char *path, int listener, const struct filter_notify *notify,
		     struct err *err) MUST_CHECK;
