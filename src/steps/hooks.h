/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the hooks of one point (config.md "POSIX-platform Hooks"). */
#pragma once

#include "src/oci/config.h"
#include "src/oci/state_doc.h"

/* Where hooks write to (annotations run.oci.hooks.*). -1: captured, and shown if one fails. Never
 * the caller's own streams, which a hook left running would keep open. */
struct hooks_output {
	int out, err;
};

struct hooks_request {
	const oci_hook_list *hooks;
	const char *point;    /* "createRuntime" */
	struct state_doc doc; /* passed on standard input */
	/* For hooks that specify none; NULL: empty. On the host it is usrun's own, as with other
	 * runtimes; in the container it never is. */
	const char *const *default_env;
	int cwd_fd; /* -1: the current directory */
	struct hooks_output output;
	struct signals *signals; /* of spawn_run() */
	bool keep_going;         /* poststop: run the rest even if one fails */
};

/* Opens the files, which may be NULL. */
int hooks_open_output(const char *out, const char *errors, struct hooks_output *ret,
		      struct err *err) MUST_CHECK;
/* Those that the document's annotations name. */
int hooks_open_annotated(const struct state_doc *doc, struct hooks_output *ret,
			 struct err *err) MUST_CHECK;
void hooks_close_output(struct hooks_output *output);

/* Runs them in order. A failure names point, index, path, exit status or signal, time limit, and
 * the end of what the hook wrote. */
int hooks_run(const struct hooks_request *request, struct err *err) MUST_CHECK;

/* After the program was started, and after the deletion, in the bundle if it is still there. doc
 * needs no status. All poststop hooks run, and the first failure is returned. hooks may be NULL. */
int hooks_run_poststart(const struct oci_hooks *hooks, const struct state_doc *doc,
			struct err *err) MUST_CHECK;
int hooks_run_poststop(const struct oci_hooks *hooks, const struct state_doc *doc,
		       struct err *err) MUST_CHECK;
