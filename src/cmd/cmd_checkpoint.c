/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/checkpoint_ask.h"
#include "src/cmd/common.h"
#include "src/cmd/criu_options.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/log.h"
#include "src/criu/report.h"
#include "src/criu/swrk.h"
#include "src/plan/powers.h"
#include "src/state/status.h"
#include "src/steps/removal.h"
#include "src/steps/restore.h"

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#define LOG "dump.log"

struct checkpoint_options {
	struct criu_options criu;
};

static const struct option options[] = {
	CRIU_OPTIONS(struct checkpoint_options),
	{ 0, "parent-path", OPTION_TEXT, offsetof(struct checkpoint_options, criu.asked.parent),
	  "DIR", "earlier --pre-dump, relative to --image-path" },
	CRIU_OPTIONS_FLAG(struct checkpoint_options, "pre-dump", pre_dump,
			  "save only the memory; the container keeps running"),
	{ 'R', "leave-running", OPTION_FLAG,
	  offsetof(struct checkpoint_options, criu.asked.leave_running), "",
	  "leave the container running" },
	CRIU_OPTIONS_FLAG(struct checkpoint_options, "tcp-skip-in-flight", tcp_skip_in_flight,
			  "skip TCP connections that are still being opened"),
	{ 0, "page-server", OPTION_TEXT,
	  offsetof(struct checkpoint_options, criu.asked.page_server), "ADDRESS:PORT",
	  "send the memory to criu page-server" },
	{ 0, "status-fd", OPTION_UINT, offsetof(struct checkpoint_options, criu.asked.status_fd),
	  "N", "write to descriptor N once pages are served" },
	{ 0 },
};

struct checkpoint {
	struct arena *arena;
	const struct cmd_globals *globals;
	struct store *store;
	const struct plan_criu_asked *asked;
	const struct criu_options *options;
	const struct oci_config *config;
	const char *criu, *work_path;
	int images, work;
	struct rpc_opts opts;
	struct swrk swrk;
};

static int refuse(const struct state *state, enum status status, struct err *err)
{
	if (status == STATUS_RUNNING || status == STATUS_PAUSED)
		return 0;
	return err_set(err, EINVAL, "container cannot be checkpointed in %s state: %s",
		       status_name(status), state->id);
}

static int check_caller(struct checkpoint *c, struct err *err)
{
	struct facts facts = { 0 };
	int r = facts_gather(c->arena, FACTS_CALLER, &facts, err);

	return r < 0 ? r
		     : criu_options_check_powers(powers_derive(&facts, false), "checkpoint", err);
}

static int start_criu(struct checkpoint *c, struct err *err)
{
	int fds[] = { c->images, c->work, c->opts.status_fd };
	const struct swrk_start how = { .path = c->criu,
					.fds = fds,
					.n_fds = c->opts.status_fd >= 0 ? 3 : 2,
					.cgroup_fd = -1 };

	return swrk_start(&how, &c->swrk, err);
}

/* Reads to the end of a request; notifications need no action. */
static int serve(struct checkpoint *c, const struct rpc_request *request, struct err *err)
{
	int r = start_criu(c, err);

	if (r < 0)
		return r;
	r = swrk_send(&c->swrk, request, err);
	while (r == 0 && !c->swrk.finished)
		r = swrk_next(&c->swrk, err);
	swrk_done(&c->swrk);
	return r;
}

/* Otherwise a feature missing from the kernel or CRIU is reported late, and only in the log. */
static int check_features(struct checkpoint *c, struct err *err)
{
	struct rpc_request request = { .type = RPC_FEATURE_CHECK,
				       .mem_track = c->asked->pre_dump || c->asked->parent,
				       .lazy_pages = c->asked->lazy_pages };
	int r;

	if (!request.mem_track && !request.lazy_pages)
		return 0;
	r = serve(c, &request, err);
	if (r < 0 && r != -EREMOTEIO)
		return r;
	if (request.mem_track && !c->swrk.last.mem_track) {
		(void)err_set(err, EOPNOTSUPP, "--%s: criu is missing features: [MemTrack]",
			      c->asked->pre_dump ? "pre-dump" : "parent-path");
		return err_hint(err, "this kernel does not track which pages change (soft-dirty, "
				     "CONFIG_MEM_SOFT_DIRTY)");
	}
	if (request.lazy_pages && !c->swrk.last.lazy_pages)
		return err_set(err, EOPNOTSUPP,
			       "--lazy-pages: criu is missing features: [LazyPages]");
	return 0;
}

static int check_parent(struct checkpoint *c, struct err *err)
{
	if (!c->opts.parent || faccessat(c->images, c->opts.parent, F_OK, 0) == 0)
		return 0;
	return err_errno(err, errno, "--parent-path: \"%s\" in the image directory",
			 c->opts.parent);
}

/* For the restore, here or with another runtime. */
static int write_streams(struct checkpoint *c, const struct checkpoint_look *look, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(false);
	const char *text;
	size_t len;

	json_write_array(w, NULL);
	for (size_t i = 0; i < look->n_streams; i++)
		json_write_string(w, NULL, plan_criu_stream_text(c->arena, &look->streams[i]));
	json_write_end(w);
	text = json_write_text(w, &len, err);
	return text ? io_replace_file(c->images, RESTORE_STREAMS, text, len, 0600, err) : -EINVAL;
}

static void name_files(struct checkpoint *c)
{
	c->opts.images_fd = c->images;
	c->opts.work_fd = c->work;
	c->opts.log_file = LOG;
	c->opts.track_mem = c->asked->pre_dump || c->asked->parent;
}

static int dump(struct checkpoint *c, struct err *err)
{
	const struct rpc_request request = { .type = c->asked->pre_dump ? RPC_PRE_DUMP : RPC_DUMP,
					     .opts = &c->opts };
	int r = serve(c, &request, err);

	if (r == -EREMOTEIO || (r == -ECONNRESET && faccessat(c->work, LOG, F_OK, 0) == 0))
		return report_failure(c->work, c->work_path, LOG, c->swrk.last.message, err);
	return r;
}

static int act(int dirfd, struct state *state, void *data, struct err *err)
{
	struct checkpoint *c = data;
	struct checkpoint_ask ask = { .arena = c->arena, .state = state, .options = c->options };
	struct checkpoint_look seen;
	int r, status = status_of(state, NULL, err);

	r = status < 0 ? status : refuse(state, (enum status)status, err);
	if (r == 0)
		r = check_caller(c, err);
	if (r == 0)
		r = common_read_config(c->arena, dirfd, &c->config, err);
	ask.config = c->config;
	ask.paused = status == STATUS_PAUSED;
	if (r == 0)
		r = checkpoint_ask(&ask, &c->opts, &seen, err);
	if (r == 0)
		r = check_features(c, err);
	if (r == 0)
		r = check_parent(c, err);
	if (r == 0)
		r = write_streams(c, &seen, err);
	if (r == 0 && seen.strays && !c->asked->leave_running && !c->asked->pre_dump)
		log_notice("not saved, as they were started by exec: %s", seen.strays);
	name_files(c);
	if (r == 0)
		r = dump(c, err);
	if (r < 0 || c->asked->leave_running || c->asked->pre_dump)
		return r;
	return removal_run(c->store, dirfd, state, &(struct removal){ .config = c->config }, err);
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct checkpoint_options *o = data;
	struct checkpoint *c = arena_new(arena, struct checkpoint);
	const struct store_change change = {
		.arena = arena, .what = "checkpoint", .act = act, .data = c
	};
	struct criu_dirs dirs = { .images = -1, .work = -1 };
	int r = store_check_id(argv[0], err);

	(void)argc;
	*c = (struct checkpoint){
		.arena = arena, .globals = globals, .asked = &o->criu.asked, .options = &o->criu
	};
	if (r == 0)
		r = swrk_find(arena, globals->criu, &c->criu, err);
	if (r == 0)
		r = store_open(globals->root, false, arena, &c->store, err);
	if (r == 0)
		r = criu_options_open(arena, &o->criu, true, &dirs, err);
	c->images = dirs.images;
	c->work = dirs.work;
	c->work_path = dirs.work_path;
	return r < 0 ? r : store_change(c->store, argv[0], &change, err);
}

const struct cmd cmd_checkpoint = {
	.name = "checkpoint",
	.summary = "save a running container to files, with CRIU",
	.arguments = "ID",
	.options = options,
	.options_size = sizeof(struct checkpoint_options),
	.min_args = 1,
	.max_args = 1,
	.available = criu_options_available,
	.run = run,
};
