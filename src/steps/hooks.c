/* SPDX-License-Identifier: Apache-2.0 */
#include "src/steps/hooks.h"

#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/oci/annotations.h"
#include "src/sys/spawn.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const no_env[] = { NULL };

static int report(const struct hooks_request *request, size_t i, const struct spawn_result *result,
		  struct err *err)
{
	const struct oci_hook *hook = &request->hooks->v[i];
	const char *words = result->words;
	char how[96];

	if (request->signals && request->signals->ended_by)
		(void)snprintf(how, sizeof(how), "ended because usrun was asked to end");
	else if (result->timed_out)
		(void)snprintf(how, sizeof(how), "hook ran past specified timeout of %lld s",
			       (long long)hook->timeout.v);
	else if (WIFSIGNALED(result->status))
		(void)snprintf(how, sizeof(how), "killed by signal %d", WTERMSIG(result->status));
	else
		(void)snprintf(how, sizeof(how), "exit status %d", WEXITSTATUS(result->status));
	return err_set(err, EIO, "error running %s hook #%zu (%s): %s%s%s", request->point, i,
		       hook->path, how, *words ? ", output: " : "", words);
}

static int timeout_ms(const struct oci_hook *hook)
{
	if (!hook->timeout.set)
		return 0;
	return hook->timeout.v > INT_MAX / 1000 ? INT_MAX : (int)hook->timeout.v * 1000;
}

static int run_one(const struct hooks_request *request, size_t i, const char *input,
		   size_t input_len, struct err *err)
{
	const struct oci_hook *hook = &request->hooks->v[i];
	const char *const own_args[] = { hook->path, NULL };
	struct spawn_result result;
	struct arena arena = { 0 };
	struct spawn_request spawn = {
		.path = hook->path,
		.argv = hook->args.n ? str_list(&arena, hook->args.v, hook->args.n, NULL, 0)
				     : own_args,
		.env = hook->env.v            ? str_list(&arena, hook->env.v, hook->env.n, NULL, 0)
		       : request->default_env ? request->default_env
					      : no_env,
		.input = input,
		.input_len = input_len,
		.timeout_ms = timeout_ms(hook),
		.signals = request->signals,
		.passes_on = request->keep_going,
		.cwd_fd = request->cwd_fd,
		.output_fd = request->output.out,
		.error_fd = request->output.err,
	};
	int r;

	log_debug("%s hook #%zu: %s", request->point, i, hook->path);
	r = spawn_run(&spawn, &result, err);
	arena_free(&arena);
	if (r < 0)
		return err_prefix(err, "error running %s hook #%zu", request->point, i);
	if (result.timed_out || result.status != 0)
		return report(request, i, &result, err);
	return 0;
}

static int open_log(const char *path, int *ret, struct err *err)
{
	*ret = -1;
	if (!path)
		return 0;
	*ret = openat(AT_FDCWD, path,
		      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	return *ret < 0 ? err_errno(err, errno, "open %s for the output of hooks", path) : 0;
}

int hooks_open_output(const char *out, const char *errors, struct hooks_output *ret,
		      struct err *err)
{
	int r = open_log(out, &ret->out, err);

	ret->err = -1;
	if (r == 0)
		r = open_log(errors, &ret->err, err);
	if (r < 0)
		hooks_close_output(ret);
	return r;
}

int hooks_open_annotated(const struct state_doc *doc, struct hooks_output *ret, struct err *err)
{
	const char *out =
		annotations_find(doc->annotations, doc->n_annotations, ANNOTATIONS_HOOKS_STDOUT);
	const char *errors =
		annotations_find(doc->annotations, doc->n_annotations, ANNOTATIONS_HOOKS_STDERR);

	return hooks_open_output(out, errors, ret, err);
}

void hooks_close_output(struct hooks_output *output)
{
	fd_closep(&output->out);
	fd_closep(&output->err);
}

int hooks_run(const struct hooks_request *request, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(false);
	struct err later = { 0 };
	const char *input;
	size_t len;
	int first = 0;

	json_write_object(w, NULL);
	state_doc_members(w, &request->doc);
	json_write_end(w);
	input = json_write_text(w, &len, err);
	if (!input)
		return -EINVAL;
	for (size_t i = 0; i < request->hooks->n; i++) {
		int r = run_one(request, i, input, len, first ? &later : err);

		if (r < 0 && !request->keep_going)
			return r;
		if (r < 0 && !first)
			first = r;
	}
	return first;
}

/* Annotations are read again because later commands have no plan. */
static int run_late(const struct oci_hooks *hooks, struct hooks_request *request, struct err *err)
{
	_cleanup_close_ int cwd = -1;
	int r;

	request->hooks = request->keep_going ? &hooks->poststop : &hooks->poststart;
	request->default_env = (const char *const *)environ;
	if (!request->hooks->n)
		return 0;
	cwd = openat(AT_FDCWD, request->doc.bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cwd < 0)
		cwd = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	request->cwd_fd = cwd;
	r = hooks_open_annotated(&request->doc, &request->output, err);
	if (r == 0)
		r = hooks_run(request, err);
	hooks_close_output(&request->output);
	return r;
}

int hooks_run_poststart(const struct oci_hooks *hooks, const struct state_doc *doc, struct err *err)
{
	struct hooks_request request = { .point = "poststart", .doc = *doc };

	request.doc.status = "running";
	return hooks ? run_late(hooks, &request, err) : 0;
}

int hooks_run_poststop(const struct oci_hooks *hooks, const struct state_doc *doc,
		       const struct signals *signals, struct err *err)
{
	struct signals own = { .fd = signals ? signals->fd : -1 };
	struct hooks_request request = { .point = "poststop",
					 .doc = *doc,
					 .signals = own.fd >= 0 ? &own : NULL,
					 .keep_going = true };

	if (own.fd >= 0) { /* what came before was for the container */
		(void)signals_read(&own);
		own.ended_by = 0;
	}
	request.doc.status = "stopped";
	request.doc.pid = 0;
	return hooks ? run_late(hooks, &request, err) : 0;
}
