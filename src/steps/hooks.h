/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the hooks of one point (config.md "POSIX-platform Hooks"). */
#pragma once

#include "src/oci/config.h"
#include "src/oci/state_doc.h"

/* Where hooks write to (annotations run.oci.hooks.*). -1: captured, and shown if a hook fails.
 * Never the caller's own streams, which a hook left running would keep open. */
struct hooks_output {
	int out, err;
};

struct hooks_request {
	const oci_hook_list *hooks;
	const char *point;    /* "createRuntime" */
	struct state_doc doc; /* passed on standard input */
	/* For hooks that set none; NULL: empty. On the host it is usrun's own, as with other
	 * runtimes; never in the container. */
	const char *const *default_env;
	int cwd_fd; /* -1: the current directory */
	struct hooks_output output;
	struct signals *signals; /* passed to spawn_run() */
	bool keep_going;         /* poststop: run the rest even if one fails or is signalled */
};

/* Opens the files; either may be NULL. */
int hooks_open_output(const char *out, const char *errors, struct hooks_output *ret,
		      struct err *err) MUST_CHECK;
/* Opens the files named in the document's annotations. */
int hooks_open_annotated(const struct state_doc *doc, struct hooks_output *ret,
			 struct err *err) MUST_CHECK;
void hooks_close_output(struct hooks_output *output);

/* Runs the hooks in order. A failure names the point, index, path, exit status or signal, timeout,
 * and the end of the hook's output. */
int hooks_run(const struct hooks_request *request, struct err *err) MUST_CHECK;

/* Run after the program was started, and after the deletion, in the bundle if it still exists. doc
 * needs no status. All poststop hooks run, and the first failure is returned; signals that come
 * meanwhile (NULL: none are blocked) go to the hook, which alone knows how to stop. hooks may be
 * NULL. */
int hooks_run_poststart(const struct oci_hooks *hooks, const struct state_doc *doc,
			struct err *err) MUST_CHECK;
int hooks_run_poststop(const struct oci_hooks *hooks, const struct state_doc *doc,
		       const struct signals *signals, struct err *err) MUST_CHECK;
