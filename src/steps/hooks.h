/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the hooks of one point (config.md "POSIX-platform Hooks"). */
#pragma once

#include "src/oci/config.h"
#include "src/oci/state_doc.h"

struct hooks_request {
	const oci_hook_list *hooks;
	const char *point;              /* "createRuntime" */
	struct state_doc doc;           /* given on standard input */
	const char *const *default_env; /* for hooks that name none; NULL: empty */
	int cwd_fd;                     /* -1: the current directory */
	bool keep_going;                /* poststop: a failure does not stop the others */
};

/* Runs them in order. A failure names point, index, path, exit status or signal, time limit, and the end
 * of what the hook wrote. */
int hooks_run(const struct hooks_request *request, struct err *err) MUST_CHECK;

/* After the deletion: all of them, in the bundle if it is still there; of status, doc needs nothing.
 * The first failure is returned. hooks may be NULL. */
int hooks_run_poststop(const struct oci_hooks *hooks, const struct state_doc *doc,
		       struct err *err) MUST_CHECK;
