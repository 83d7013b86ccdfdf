/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/cmd/common.h"
#include "src/state/status.h"
#include "userns/caller.h"

#include <stddef.h>

struct list_options {
	const char *format;
	bool quiet;
};

static const char *const formats[] = { "table", "json", NULL };

static const struct option options[] = {
	{ 'f', "format", OPTION_TEXT, offsetof(struct list_options, format), "table|json",
	  "form of the list", formats },
	{ 'q', "quiet", OPTION_FLAG, offsetof(struct list_options, quiet), NULL, "print the ids only", NULL },
	{ 0 },
};

static const char *owner_name(struct arena *arena, const struct state *state)
{
	const char *name = caller_name_of(arena, (uint32_t)state->owner.v);

	return name ? name : arena_strf(arena, "#%u", (unsigned int)state->owner.v);
}

static void add_row(struct arena *arena, struct str *table, const struct state *state)
{
	enum status status = status_of(state, NULL);
	long long pid = status == STATUS_STOPPED || !state->pid.set ? 0 : (long long)state->pid.v;

	str_addf(table, "%-11s %-11lld %-11s %-31s %-30s %s\n", state->id, pid, status_name(status),
		 state->bundle, state->created, owner_name(arena, state));
}

/* A damaged container is listed as what it is; it must not hide the others. */
static void add_damaged(struct str *table, const char *id)
{
	str_addf(table, "%-11s %-11d %-11s %-31s %-30s %s\n", id, 0, "damaged", "-", "-", "-");
}

static int list(struct arena *arena, struct store *store, const struct list_options *o, struct json_write *w,
		struct str *table, struct err *err)
{
	const char *const *ids;
	size_t n;
	int r = store_list(store, arena, &ids, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		_cleanup_close_ int dir = -1;
		struct state state = { 0 };
		struct err damaged;

		if (o->quiet) {
			str_addf(table, "%s\n", ids[i]);
			continue;
		}
		dir = store_open_container(store, ids[i], &damaged);
		if (dir == -ENOENT) /* deleted while we looked */
			continue;
		if (dir < 0 || store_read(store, dir, ids[i], arena, &state, &damaged) < 0)
			add_damaged(table, ids[i]);
		else if (w)
			common_write_state(w, &state, owner_name(arena, &state));
		else
			add_row(arena, table, &state);
	}
	return r;
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = NULL;
	_cleanup_str_ struct str table = { 0 };
	const struct list_options *o = data;
	struct store *store;
	int r = store_open(globals->root, false, arena, &store, err);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	if (!o->quiet && str_equal(o->format, "json")) {
		w = json_write_new(true);
		json_write_array(w, NULL);
	} else if (!o->quiet) {
		str_addf(&table, "%-11s %-11s %-11s %-31s %-30s %s\n", "ID", "PID", "STATUS", "BUNDLE",
			 "CREATED", "OWNER");
	}
	r = list(arena, store, o, w, &table, err);
	if (r < 0)
		return r;
	if (!w)
		return common_print_text(&table, err);
	json_write_end(w);
	return common_print(w, err);
}

const struct cmd cmd_list = {
	.name = "list",
	.summary = "list the containers",
	.arguments = "",
	.options = options,
	.options_size = sizeof(struct list_options),
	.min_args = 0,
	.max_args = 0,
	.run = run,
};
