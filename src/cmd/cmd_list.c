/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fd.h"
#include "src/cmd/common.h"
#include "src/cmd/parts.h"
#include "src/oci/state_doc.h"
#include "src/state/status.h"
#include "userns/caller.h"

#include <stddef.h>
#include <string.h>

enum { COLUMNS = 6 };

struct list_options {
	const char *format;
	bool quiet;
};

static const struct option options[] = {
	{ 'f', "format", OPTION_TEXT, offsetof(struct list_options, format), "table|json",
	  "output format", .choices = "table json" },
	{ 'q', "quiet", OPTION_FLAG, offsetof(struct list_options, quiet), "",
	  "print the ids only" },
	{ 0 },
};

struct output {
	struct arena *arena, *one; /* of all, and of the current container */
	struct store *store;
	const char *const *ids;
	struct json_write *w; /* or NULL: the table */
	struct str *rows;     /* of the table: its cells, each ending in a NUL */
	uint32_t uid;         /* the last uid looked up */
	const char *name;
};

static const char *owner_name(struct output *out, const struct state *state)
{
	if (out->name && out->uid == state->owner.v)
		return out->name;
	out->uid = (uint32_t)state->owner.v;
	out->name = caller_name_of(out->arena, out->uid);
	if (!out->name)
		out->name = arena_strf(out->arena, "#%u", out->uid);
	return out->name;
}

static void add_cells(struct str *rows, const char *const cells[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++)
		str_addn(rows, cells[i], strlen(cells[i]) + 1);
}

/* "2026-11-29T08:19:16.641616Z": JSON has the fraction. */
static const char *to_the_second(struct arena *arena, const char *time)
{
	size_t len = strcspn(time, ".Z");
	char *text = arena_strndup(arena, time, len + 1);

	text[len] = 'Z';
	return text;
}

static int add_row(struct output *out, const char *id, const struct state *state, struct err *err)
{
	int status = status_of(state, NULL, err);
	long long pid = status == STATUS_STOPPED || !state->pid.set ? 0 : (long long)state->pid.v;
	char *bundle;

	if (status < 0)
		return status;
	bundle = arena_strdup(out->one, state->bundle);
	str_tame(bundle);
	add_cells(out->rows, (const char *const[COLUMNS]){
				     id,
				     arena_strf(out->one, "%lld", pid),
				     status_name((enum status)status),
				     bundle,
				     to_the_second(out->one, state->created),
				     owner_name(out, state),
			     });
	return 0;
}

/* A container whose state or status cannot be read is listed as damaged and must not hide the
 * others. In JSON it has the shape that Go programs decode, including a time and a status that they
 * know. */
static void add_damaged(struct output *out, const char *id)
{
	if (!out->w) {
		add_cells(out->rows,
			  (const char *const[COLUMNS]){ id, "0", "damaged", "-", "-", "-" });
		return;
	}
	json_write_object(out->w, NULL);
	json_write_string(out->w, "ociVersion", STATE_DOC_OCI_VERSION);
	json_write_string(out->w, "id", id);
	json_write_int(out->w, "pid", 0);
	json_write_string(out->w, "status", "stopped");
	json_write_string(out->w, "bundle", "");
	json_write_string(out->w, "rootfs", "");
	json_write_string(out->w, "created", "0001-01-01T00:00:00Z");
	json_write_string(out->w, "owner", "");
	json_write_bool(out->w, "damaged", true);
	json_write_end(out->w);
}

static int read_one(struct output *out, const char *id, struct state *state, struct err *err)
{
	struct store *store = out->store;
	_cleanup_close_ int dir = -1;

	if (store_read_made(store, id, out->one, state))
		return 0;
	*state = (struct state){ 0 };
	dir = store_open_container(store, id, err);
	return dir < 0 ? dir : common_read_state(out->one, store, dir, id, state, err);
}

/* One that has been deleted meanwhile is left out. */
static int add(struct output *out, const char *id, struct err *err)
{
	struct state state = { 0 };
	int r = read_one(out, id, &state, err);
	bool is_gone = r == -ENOENT;

	if (r == 0)
		r = out->w ? common_write_state(out->w, &state, owner_name(out, &state), err)
			   : add_row(out, id, &state, err);
	arena_reset(out->one);
	if (r == 0 || is_gone)
		return 0;
	if (err_is_shortage(-r)) /* nothing is wrong with the container */
		return r;
	add_damaged(out, id);
	return 0;
}

static int tell_rows(void *data, size_t first, size_t end, struct str *text, struct err *err)
{
	struct output *out = data;
	int r = 0;

	out->rows = text;
	for (size_t i = first; r == 0 && i < end; i++)
		r = add(out, out->ids[i], err);
	return r;
}

/* The objects between the brackets of the array, each with a comma and a newline behind it. */
static int tell_objects(void *data, size_t first, size_t end, struct str *text, struct err *err)
{
	static const char open[] = "[\n", close[] = "\n]\n", next[] = ",\n";
	_cleanup_json_write_ struct json_write *w = json_write_new(true);
	struct output *out = data;
	const char *objects;
	size_t len;
	int r = 0;

	out->w = w;
	json_write_array(w, NULL);
	for (size_t i = first; r == 0 && i < end; i++)
		r = add(out, out->ids[i], err);
	if (r < 0)
		return r;
	json_write_end(w);
	objects = json_write_text(w, &len, err);
	if (!objects)
		return -EINVAL;
	if (len > strlen(open) + strlen(close)) {
		str_addn(text, objects + strlen(open), len - strlen(open) - strlen(close));
		str_add(text, next);
	}
	return 0;
}

/* A list can have thousands of entries, so texts are copied rather than formatted. */
static void add_padded(struct str *text, const char *v, size_t width)
{
	static const char blanks[] = "                ";
	size_t len = strlen(v);

	str_addn(text, v, len);
	for (size_t n; len < width; len += n) {
		n = width - len < sizeof(blanks) - 1 ? width - len : sizeof(blanks) - 1;
		str_addn(text, blanks, n);
	}
}

/* Columns are as wide as their contents, so that a line fits a terminal. */
static void print_table(const struct str *rows, struct str *text)
{
	const char *cell, *end = rows->s + rows->len;
	size_t widths[COLUMNS] = { 0 }, k = 0;

	for (cell = rows->s; cell < end; cell += strlen(cell) + 1, k = (k + 1) % COLUMNS)
		if (strlen(cell) > widths[k])
			widths[k] = strlen(cell);
	for (cell = rows->s; cell < end; cell += strlen(cell) + 1, k = (k + 1) % COLUMNS) {
		if (k + 1 < COLUMNS) {
			add_padded(text, cell, widths[k] + 2);
			continue;
		}
		str_add(text, cell);
		str_add(text, "\n");
	}
}

static int run_table(struct output *out, size_t n, struct err *err)
{
	const struct parts_work work = { .n = n, .tell = tell_rows, .data = out };
	_cleanup_str_ struct str rows = { 0 };

	_cleanup_str_ struct str text = { 0 };
	int r;

	add_cells(&rows, (const char *const[COLUMNS]){ "ID", "PID", "STATUS", "BUNDLE", "CREATED",
						       "OWNER" });
	r = parts_tell(&work, &rows, err);
	if (r < 0)
		return r;
	print_table(&rows, &text);
	return common_print_text(&text, err);
}

static int run_json(struct output *out, size_t n, struct err *err)
{
	const struct parts_work work = { .n = n, .tell = tell_objects, .data = out };
	_cleanup_str_ struct str objects = { 0 };

	_cleanup_str_ struct str text = { 0 };
	int r = parts_tell(&work, &objects, err);

	if (r < 0)
		return r;
	if (objects.len) {
		str_add(&text, "[\n");
		str_addn(&text, objects.s, objects.len - strlen(",\n"));
		str_add(&text, "\n]\n");
	} else {
		str_add(&text, "[]\n");
	}
	return common_print_text(&text, err);
}

static int run_quiet(const char *const *ids, size_t n, struct err *err)
{
	_cleanup_str_ struct str text = { 0 };

	for (size_t i = 0; i < n; i++)
		str_addf(&text, "%s\n", ids[i]);
	return common_print_text(&text, err);
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct list_options *o = data;
	struct arena one = { 0 };
	struct output out = { .arena = arena, .one = &one };
	size_t n;
	int r = store_open(globals->root, false, arena, &out.store, err);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = store_list(out.store, arena, &out.ids, &n, err);
	if (r < 0)
		return r;
	if (o->quiet)
		return run_quiet(out.ids, n, err);
	r = (str_equal(o->format, "json") ? run_json : run_table)(&out, n, err);
	arena_free(&one);
	return r;
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
