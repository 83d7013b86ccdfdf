/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts added later are recorded before they are attached, so that a killed usrun leaves none that
 * the state does not name. */
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/cmd/common.h"
#include "src/oci/decode.h"
#include "src/plan/plan.h"
#include "src/state/status.h"
#include "src/steps/step_mounts_live.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct mounts_call {
	struct arena *arena;
	const struct oci_config *mounts;
	bool removes;
};

static const struct option options[] = { { 0 } };

static int read_document(struct arena *arena, const char *file, const struct oci_config **ret,
			 struct err *err)
{
	bool input = str_equal(file, "-");
	const char *name = input ? "standard input" : file;
	char *text;
	size_t len;
	int r = input ? io_read_fd(STDIN_FILENO, name, DECODE_MAX_FILE, arena, &text, &len, err)
		      : io_read_file(AT_FDCWD, file, DECODE_MAX_FILE, arena, &text, &len, err);

	if (r < 0)
		return r;
	if (strspn(text, " \t\r\n") == len)
		return err_set(err, EBADMSG, "%s is %s: expected an array of mounts", name,
			       input ? "empty or closed" : "empty");
	r = decode_mounts(arena, text, len, ret, err);
	if (r < 0 && err->code == EBADMSG)
		return err_prefix(err, "%s", name);
	return r < 0 ? err_document(err, name) : 0;
}

static int refuse_status(const struct state *state, enum status status, struct err *err)
{
	if (status != STATUS_STOPPED && status != STATUS_CREATING)
		return 0;
	return err_set(err, EINVAL, "cannot change the mounts of a container that %s: %s",
		       status == STATUS_STOPPED ? "has stopped" : "is still being created",
		       state->id);
}

static int make_plan(const struct mounts_call *call, int dirfd, const struct state *state,
		     const struct plan **ret, struct err *err)
{
	struct facts *facts = arena_new(call->arena, struct facts);
	struct plan_options *plan_options = arena_new(call->arena, struct plan_options);
	struct plan_exec_request request = {
		.facts = facts,
		.options = plan_options,
		.namespaces = state->namespaces.v,
		.n_namespaces = state->namespaces.n,
		.rootfs = state->rootfs,
		.removes = call->removes,
	};
	int r = common_read_config(call->arena, dirfd, &request.config, err);

	*plan_options = (struct plan_options){ .id = state->id, .bundle = state->bundle };
	if (r == 0)
		r = facts_gather(call->arena, plan_process_facts_needed(NULL), facts, err);
	return r < 0 ? r : plan_exec_mounts(call->arena, &request, call->mounts, ret, err);
}

static bool is_listed(const struct state *state, const char *target)
{
	for (size_t i = 0; i < state->mounts.n; i++)
		if (str_equal(state->mounts.v[i], target))
			return true;
	return false;
}

/* At most one mount of ours in each place, or `remove` would have to guess. */
static int list(struct arena *arena, struct state *state, const struct rootfs_plan *rootfs,
		struct err *err)
{
	const char **v = arena_array(arena, state->mounts.n + rootfs->n_mounts, sizeof(*v));
	size_t n = 0;

	for (; n < state->mounts.n; n++)
		v[n] = state->mounts.v[n];
	state->mounts.v = v;
	for (size_t i = 0; i < rootfs->n_mounts; i++) {
		if (is_listed(state, rootfs->mounts[i].target))
			return err_set(err, EEXIST,
				       ERR_AT "mounts[%zu].destination: %s has already been added",
				       i, rootfs->mounts[i].target);
		v[n++] = rootfs->mounts[i].target;
		state->mounts.n = n;
	}
	return 0;
}

static int unlist(struct arena *arena, struct state *state, const struct rootfs_plan *rootfs)
{
	const char **v = arena_array(arena, state->mounts.n + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < state->mounts.n; i++) {
		bool goes = false;

		for (size_t k = 0; k < rootfs->n_mounts; k++)
			goes |= str_equal(state->mounts.v[i], rootfs->mounts[k].target);
		if (!goes)
			v[n++] = state->mounts.v[i];
	}
	state->mounts.v = v;
	state->mounts.n = n;
	return STORE_WRITE;
}

static int check_listed(const struct state *state, const struct rootfs_plan *rootfs,
			struct err *err)
{
	for (size_t i = 0; i < rootfs->n_mounts; i++)
		if (!is_listed(state, rootfs->mounts[i].target))
			return err_set(err, ENOENT,
				       ERR_AT "mounts[%zu].destination: nothing was added at %s", i,
				       rootfs->mounts[i].target);
	return 0;
}

static int add(const struct mounts_call *call, int dirfd, struct start *start, struct err *err)
{
	const struct rootfs_plan *rootfs = &start->plan->rootfs;
	struct state *state = start->state;
	struct err later;
	bool sure;
	int r = list(call->arena, state, rootfs, err);

	if (r == 0)
		r = store_write(dirfd, state, err);
	if (r == 0)
		r = step_mounts_live(start, false, &sure, err);
	else
		return r;
	if (r < 0 && sure) { /* none is mounted */
		(void)unlist(call->arena, state, rootfs);
		if (store_write(dirfd, state, &later) < 0)
			log_notice("remove the mounts from the state: %s", later.text);
	}
	return r;
}

static int act(int dirfd, struct state *state, void *data, struct err *err)
{
	const struct mounts_call *call = data;
	struct start *start = arena_new(call->arena, struct start);
	_cleanup_close_ int pidfd = -1;
	const struct plan *plan;
	bool sure;
	int r = status_of(state, &pidfd, err);

	if (r >= 0)
		r = refuse_status(state, (enum status)r, err);
	if (r == 0)
		r = make_plan(call, dirfd, state, &plan, err);
	if (r < 0)
		return r;
	start_init(start, plan, call->arena);
	start->state = state;
	start->target_pidfd = pidfd;
	if (!call->removes)
		return add(call, dirfd, start, err);
	r = check_listed(state, &plan->rootfs, err);
	if (r == 0)
		r = step_mounts_live(start, true, &sure, err);
	return r < 0 ? r : unlist(call->arena, state, &plan->rootfs);
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const char *file = argv[2], *name = str_equal(file, "-") ? "standard input" : file;
	struct mounts_call call = { .arena = arena, .removes = str_equal(argv[0], "remove") };
	const struct store_change change = {
		.arena = arena, .what = "mounts", .act = act, .data = &call
	};
	int r;

	(void)data;
	(void)argc;
	if (!call.removes && !str_equal(argv[0], "add"))
		return err_set(err, EINVAL, "mounts: expected add or remove, got \"%s\"", argv[0]);
	r = read_document(arena, file, &call.mounts, err);
	if (r == 0)
		r = common_change(globals, argv[1], &change, err);
	return r < 0 ? err_document(err, name) : 0;
}

const struct cmd cmd_mounts = {
	.name = "mounts",
	.summary = "add mounts to a running container, or remove them",
	.arguments = "add|remove ID FILE",
	.options = options,
	.min_args = 3,
	.max_args = 3,
	.run = run,
};
