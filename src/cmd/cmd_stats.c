/* SPDX-License-Identifier: Apache-2.0 */
/* The first CPU figure is the average since the container was created, so that one sample is
 * enough; later ones cover the time between two samples. */
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/cmd/cgroup_of.h"
#include "src/cmd/common.h"
#include "src/cmd/stats_text.h"
#include "src/state/status.h"

#include <poll.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

enum { REFRESH_MS = 1000 };

struct stats_options {
	bool no_stream;
	const char *format;
};

static const struct option options[] = {
	{ 0, "no-stream", OPTION_FLAG, offsetof(struct stats_options, no_stream), "",
	  "print one sample and exit" },
	{ 'f', "format", OPTION_TEXT, offsetof(struct stats_options, format), "table|json",
	  "output format", .choices = "table json" },
	{ 0 },
};

struct looking {
	struct arena *arena; /* of one sample */
	const struct cmd_globals *globals;
	struct store *store; /* opened anew each time: its directory may not exist yet */
	const struct stats_sample *before;
	size_t n_before;
	struct stats_sample *v;
	size_t n;
	const char *without; /* containers without a cgroup, or NULL */
};

static uint64_t boot_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* 1: sampled; 0: it does not run. */
static int look_at(struct looking *looking, const char *id, struct err *err)
{
	_cleanup_close_ int dirfd = -1;
	struct state *state = arena_new(looking->arena, struct state);
	struct events_source source;
	struct cgroup cgroup;
	int status, shortage;
	int r;

	dirfd = common_open_in(looking->arena, looking->store, id, state, err);
	if (dirfd < 0)
		return dirfd;
	status = status_of(state, NULL, err);
	if (status < 0)
		return status;
	if (status == STATUS_STOPPED || status == STATUS_CREATING)
		return 0;
	r = cgroup_of_open_all(state, "stats", &cgroup, err);
	if (r < 0)
		return r;
	source = cgroup_of_source(&cgroup, looking->arena, &shortage);
	looking->v[looking->n++] = stats_text_sample(
		&source, id, boot_ns(),
		state->start_time.v * (1000000000 / (uint64_t)sysconf(_SC_CLK_TCK)));
	driver_close(&cgroup);
	return shortage ? err_errno(err, -shortage, "read the cgroup of container %s", id) : 1;
}

/* When sampling all containers, skips those that cannot be read; for a named one that is an
 * error. */
static int look_at_all(struct looking *looking, int argc, char **argv, struct err *err)
{
	const char *const *ids = (const char *const *)argv;
	size_t n = (size_t)argc;
	int r = n ? 0 : store_list(looking->store, looking->arena, &ids, &n, err);

	if (r < 0)
		return r;
	looking->n = 0;
	looking->without = NULL;
	looking->v = arena_array(looking->arena, n + 1, sizeof(*looking->v));
	for (size_t i = 0; i < n; i++) {
		struct err passed = { 0 };

		r = look_at(looking, ids[i], argc ? err : &passed);
		if (argc && r == 0)
			r = err_set(err, ESRCH, "container not running: %s", ids[i]);
		if (r < 0 && (argc || err_is_shortage(-r))) {
			*err = argc ? *err : passed;
			return r;
		}
		if (r == -ENOTSUP)
			looking->without = arena_strf(looking->arena, "%s%s%s",
						      looking->without ? looking->without : "",
						      looking->without ? ", " : "", ids[i]);
	}
	return 0;
}

static int look(struct looking *looking, int argc, char **argv, struct err *err)
{
	int r = store_open(looking->globals->root, false, looking->arena, &looking->store, err);

	if (r < 0)
		return r;
	r = look_at_all(looking, argc, argv, err);
	store_close(looking->store);
	return r;
}

static int print(const struct looking *looking, const struct stats_options *o, bool clear,
		 struct err *err)
{
	_cleanup_json_write_ struct json_write *w = NULL;
	_cleanup_str_ struct str text = { 0 };

	if (str_equal(o->format, "json")) {
		const char *json;

		w = json_write_new(false);
		stats_text_json(w, looking->v, looking->n, looking->before, looking->n_before);
		json = json_write_text(w, NULL, err);
		if (!json)
			return -EINVAL;
		str_addf(&text, "%s\n", json);
	} else {
		str_add(&text, clear ? "\033[H\033[J" : "");
		stats_text_table(&text, looking->v, looking->n, looking->before, looking->n_before);
	}
	return common_print_text(&text, err);
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct stats_options *o = data;
	bool clear = !o->no_stream && isatty(STDOUT_FILENO);
	struct arena looks[2] = { { 0 }, { 0 } }; /* this one and the one before */
	struct looking looking = { .globals = globals };
	int r = 0;

	(void)arena;
	for (unsigned int turn = 0; r == 0; turn++) {
		looking.arena = &looks[turn % 2];
		looking.before = looking.v;
		looking.n_before = looking.n;
		r = look(&looking, argc, argv, err);
		if (r < 0 && turn && !err_is_shortage(-r)) { /* the watched container has ended */
			r = 0;
			break;
		}
		if (r == 0)
			r = print(&looking, o, clear, err);
		if (looking.without && (!turn || clear))
			log_notice("not shown, because they have no cgroup: %s", looking.without);
		if (r < 0 || o->no_stream)
			break;
		(void)poll(NULL, 0, REFRESH_MS);
		arena_free(&looks[(turn + 1) % 2]);
	}
	arena_free(&looks[0]);
	arena_free(&looks[1]);
	return r;
}

const struct cmd cmd_stats = {
	.name = "stats",
	.summary = "show resource usage of containers",
	.arguments = "[ID...]",
	.options = options,
	.options_size = sizeof(struct stats_options),
	.max_args = -1,
	.run = run,
};
