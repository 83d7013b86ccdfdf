/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/cmd/cgroup_of.h"
#include "src/cmd/common.h"
#include "src/cmd/pidns.h"
#include "src/cmd/ps_host.h"
#include "src/state/status.h"

#include <stddef.h>

struct ps_options {
	const char *format;
};

static const struct option options[] = {
	{ 'f', "format", OPTION_TEXT, offsetof(struct ps_options, format), "table|json",
	  "output format", .choices = "table json" },
	{ 0 },
};

static int gather(struct arena *arena, const struct state *state, pid_t **ret, size_t *ret_n,
		  struct err *err)
{
	struct cgroup cgroup;
	int r = cgroup_of_open(state, "ps", &cgroup, err), status;

	*ret_n = 0;
	if (r == -ENOENT)
		return 0;
	status = r == -ENOTSUP ? status_of(state, NULL, err) : STATUS_RUNNING;
	if (status < 0 || status == STATUS_STOPPED)
		return status < 0 ? status : 0;
	if (r == -ENOTSUP && pidns_is_own(state))
		return pidns_pids(arena, (pid_t)state->pid.v, ret, ret_n, err);
	if (r < 0)
		return r;
	r = driver_pids(&cgroup, arena, ret, ret_n, err);
	driver_close(&cgroup);
	return r;
}

static int print_json(const pid_t *pids, size_t n, struct err *err)
{
	_cleanup_str_ struct str text = { 0 };

	str_add(&text, "[");
	for (size_t i = 0; i < n; i++)
		str_addf(&text, "%s%d", i ? "," : "", (int)pids[i]);
	str_add(&text, "]\n");
	return common_print_text(&text, err);
}

static int print_table(struct arena *arena, char **words, const pid_t *pids, size_t n,
		       struct err *err)
{
	_cleanup_str_ struct str table = { 0 };
	int r = 0;

	if (*words) {
		r = ps_host_run(arena, words, pids, n, &table, err);
	} else {
		str_add(&table, "PID\n");
		for (size_t i = 0; i < n; i++)
			str_addf(&table, "%d\n", (int)pids[i]);
	}
	return r < 0 ? r : common_print_text(&table, err);
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct ps_options *o = data;
	_cleanup_close_ int dirfd = -1;
	struct state state = { 0 };
	struct store *store;
	pid_t *pids = NULL;
	size_t n = 0;
	int r;

	(void)argc;
	dirfd = common_open(arena, globals, argv[0], &store, &state, err);
	if (dirfd < 0)
		return dirfd;
	r = gather(arena, &state, &pids, &n, err);
	if (r < 0)
		return r;
	return str_equal(o->format, "json") ? print_json(pids, n, err)
					    : print_table(arena, argv + 1, pids, n, err);
}

const struct cmd cmd_ps = {
	.name = "ps",
	.summary = "list the processes of a container",
	.arguments = "ID [PS-OPTION...]",
	.options = options,
	.options_size = sizeof(struct ps_options),
	.min_args = 1,
	.max_args = -1,
	.stop_at_first = true,
	.run = run,
};
