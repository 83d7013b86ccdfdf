/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/cgroup_of.h"
#include "src/cmd/checkpoint_look.h"
#include "src/cmd/common.h"
#include "src/cmd/criu_options.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/criu/report.h"
#include "src/criu/swrk.h"
#include "src/state/status.h"
#include "src/steps/removal.h"
#include "src/steps/restore.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define LOG "dump.log"

struct checkpoint_options {
	struct criu_options criu;
};

static const struct option options[] = {
	CRIU_OPTIONS(struct checkpoint_options),
	{ 0, "parent-path", OPTION_TEXT, offsetof(struct checkpoint_options, criu.asked.parent),
	  "DIR", "earlier --pre-dump, relative to --image-path", NULL },
	CRIU_OPTIONS_FLAG(struct checkpoint_options, "pre-dump", pre_dump,
			  "copy the memory alone, while the container runs"),
	CRIU_OPTIONS_FLAG(struct checkpoint_options, "leave-running", leave_running,
			  "let the container run on"),
	{ 'R', "leave-running", OPTION_FLAG,
	  offsetof(struct checkpoint_options, criu.asked.leave_running), NULL, NULL, NULL },
	CRIU_OPTIONS_FLAG(struct checkpoint_options, "tcp-skip-in-flight", tcp_skip_in_flight,
			  "drop TCP connections that are just being opened"),
	{ 0, "page-server", OPTION_TEXT,
	  offsetof(struct checkpoint_options, criu.asked.page_server), "ADDRESS:PORT",
	  "send the memory to criu page-server", NULL },
	{ 0, "status-fd", OPTION_UINT, offsetof(struct checkpoint_options, criu.asked.status_fd),
	  "N", "write to descriptor N once pages are served", NULL },
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

static int start_criu(struct checkpoint *c, struct err *err)
{
	int fds[] = { c->images, c->work, c->opts.status_fd };
	const struct swrk_start how = { .path = c->criu,
					.fds = fds,
					.n_fds = c->opts.status_fd >= 0 ? 3 : 2,
					.cgroup_fd = -1 };

	return swrk_start(&how, &c->swrk, err);
}

/* To the end of a request; its notifications want nothing of us. */
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

/* What the kernel or CRIU lacks would be said late, and in the log alone. */
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
	const char **external = arena_array(c->arena, look->n_streams + 2, sizeof(*external));
	const char *text;
	size_t len, n = 0;
	bool null;

	json_write_array(w, NULL);
	for (size_t i = 0; i < look->n_streams; i++) {
		text = plan_criu_stream_text(c->arena, &look->streams[i]);
		json_write_string(w, NULL, text);
		if (look->streams[i].inode)
			external[n++] = plan_criu_stream_key(c->arena, text, &null);
	}
	json_write_end(w);
	if (look->external_net)
		external[n++] = look->external_net;
	if (look->external_pid)
		external[n++] = look->external_pid;
	c->opts.external = external;
	c->opts.n_external = n;
	text = json_write_text(w, &len, err);
	return text ? io_replace_file(c->images, RESTORE_STREAMS, text, len, 0600, err) : -EINVAL;
}

/* What `pause` has frozen: the v2 group, also of a hybrid, else the v1 freezer's. CRIU leaves it
 * as it is. */
static const char *frozen_group(struct arena *arena, const struct cgroup_place *place)
{
	const struct cgroup_dir *found = NULL;

	for (size_t i = 0; i < place->dirs.n; i++)
		if (driver_is_in(&place->dirs.v[i], DRIVER_V2_PART) ||
		    (!found && str_has_word(place->dirs.v[i].controllers, "freezer", ',')))
			found = &place->dirs.v[i];
	return found ? arena_strf(arena, "%s%s", found->mount, found->path) : NULL;
}

/* Without a cgroup the first is the one that is known. */
static int look(struct checkpoint *c, const struct state *state, struct checkpoint_look *ret,
		struct err *err)
{
	pid_t *pids = NULL, *all;
	struct cgroup cgroup;
	struct err ignored;
	size_t n = 0;

	if (cgroup_place_is_group(&state->cgroup) &&
	    cgroup_of_open(state, "checkpoint", &cgroup, &ignored) == 0) {
		if (driver_pids(&cgroup, c->arena, &pids, &n, &ignored) < 0)
			n = 0;
		driver_close(&cgroup);
	}
	all = arena_array(c->arena, n + 1, sizeof(*all));
	all[0] = (pid_t)state->pid.v;
	if (n)
		memcpy(all + 1, pids, n * sizeof(*all));
	return checkpoint_look(c->arena, all, n + 1, c->config, ret, err);
}

static int prepare(struct checkpoint *c, const struct state *state, enum status status,
		   struct err *err)
{
	struct checkpoint_look seen;
	int r = look(c, state, &seen, err);

	if (r < 0)
		return r;
	c->opts.pid = (int)state->pid.v;
	c->opts.images_fd = c->images;
	c->opts.work_fd = c->work;
	c->opts.log_file = LOG;
	c->opts.root = state->rootfs;
	c->opts.track_mem = c->asked->pre_dump || c->asked->parent;
	/* CRIU stops processes by ptrace, and what stops them ends with it. A group that it had
	 * frozen would stay so, were it killed. */
	if (status == STATUS_PAUSED)
		c->opts.freezer = frozen_group(c->arena, &state->cgroup);
	plan_criu_dump_mounts(c->arena, c->config, seen.real, seen.mountinfo, &c->opts);
	return write_streams(c, &seen, err);
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

static int check_groups(struct checkpoint *c, const struct state *state, struct err *err)
{
	char groups[8192];
	ssize_t n =
		io_read_small(AT_FDCWD, arena_strf(c->arena, "/proc/%d/cgroup", (int)state->pid.v),
			      groups, sizeof(groups));

	return n < 0 ? err_errno(err, (int)-n, "read /proc/%d/cgroup", (int)state->pid.v)
		     : plan_criu_check_groups(&c->opts, &state->cgroup, groups, err);
}

/* What lives outside the container is not in the images. */
static int check_keepers(const struct state *state, struct err *err)
{
	if (state->net_pid.set)
		return err_set(err, EOPNOTSUPP,
			       "the network of container %s is provided by a process outside it",
			       state->id);
	if (state->layer_pid.set)
		return err_set(err, EOPNOTSUPP,
			       "an overlay of container %s is served by a process outside it",
			       state->id);
	return 0;
}

static int act(int dirfd, struct state *state, void *data, struct err *err)
{
	struct checkpoint *c = data;
	int r, status = status_of(state, NULL, err);

	r = status < 0 ? status : refuse(state, (enum status)status, err);
	if (r == 0)
		r = common_read_config(c->arena, dirfd, &c->config, err);
	if (r == 0)
		r = check_keepers(state, err);
	if (r == 0)
		r = plan_criu_check(c->config, err);
	if (r == 0)
		r = criu_options_read(c->arena, c->options, c->config, &c->opts, err);
	if (r == 0)
		r = check_groups(c, state, err);
	if (r == 0)
		r = check_features(c, err);
	if (r == 0)
		r = check_parent(c, err);
	if (r == 0)
		r = prepare(c, state, (enum status)status, err);
	if (r == 0)
		r = dump(c, err);
	if (r < 0 || c->asked->leave_running || c->asked->pre_dump)
		return r;
	return removal_run(c->store, dirfd, state, c->config, err);
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct checkpoint_options *o = data;
	struct checkpoint *c = arena_new(arena, struct checkpoint);
	const struct store_change change = {
		.arena = arena, .what = "checkpoint", .act = act, .data = c
	};
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
		r = criu_options_open(arena, &o->criu, true, &c->images, &c->work, &c->work_path,
				      err);
	return r < 0 ? r : store_change(c->store, argv[0], &change, err);
}

const struct cmd cmd_checkpoint = {
	.name = "checkpoint",
	.summary = "write a running container to files, by CRIU",
	.arguments = "ID",
	.options = options,
	.options_size = sizeof(struct checkpoint_options),
	.min_args = 1,
	.max_args = 1,
	.available = criu_options_available,
	.run = run,
};
