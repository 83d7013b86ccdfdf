/* SPDX-License-Identifier: Apache-2.0 */
/* Finds every mistake in a config, for this caller on this host: removes each from the text and
 * checks the rest again. */
#include "src/base/io.h"
#include "src/base/path.h"
#include "src/cmd/common.h"
#include "src/cmd/explain_ignored.h"
#include "src/cmd/explain_missing.h"
#include "src/cmd/launch.h"
#include "src/oci/check.h"
#include "src/oci/decode.h"
#include "src/oci/repair.h"
#include "src/security/filter_compile.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FINDINGS = 200 }; /* of each kind: locating one may read the whole document */

struct check_options {
	const char *config, *facts, *map;
	bool strict, json;
};

static const struct option options[] = {
	{ 'f', "config", OPTION_TEXT, offsetof(struct check_options, config), "FILE",
	  "use FILE instead of the bundle's config.json" },
	{ 0, "facts", OPTION_TEXT, offsetof(struct check_options, facts), "FILE",
	  "check for the host and caller described in FILE" },
	{ 0, "json", OPTION_FLAG, offsetof(struct check_options, json), "",
	  "print one JSON object" },
	{ 0, "map", OPTION_TEXT, offsetof(struct check_options, map), "MODE",
	  "rootless id mapping: auto, single, subid or keep", .choices = LAUNCH_MAP_CHOICES },
	{ 0, "strict", OPTION_FLAG, offsetof(struct check_options, strict), "",
	  "also fail on unknown or ignored settings" },
	{ 0 },
};

/* Mistakes that prevent a start come first. */
enum kind { WRONG, IMPOSSIBLE, MISSING, DROPPED, UNKNOWN, KINDS };

static const char kinds[KINDS][12] = { "wrong", "impossible", "missing", "dropped", "unknown" };

struct finding {
	enum kind kind;
	size_t line, column; /* 0: not about a value */
	const char *path, *text, *hint;
};

struct checker {
	struct arena *arena;
	const struct check_options *options;
	const char *name; /* of the document */
	struct facts facts;
	struct plan_options plan_options;
	struct repair repair;
	const struct oci_config *config;
	const struct plan *plan;
	struct finding *findings;
	size_t n, cap, n_of[KINDS];
	bool cut_short; /* the part taken out says too much about the rest */
	bool full;      /* there are more of a kind */
};

static bool has_room(struct checker *c, enum kind kind)
{
	c->full |= c->n_of[kind] == MAX_FINDINGS;
	return c->n_of[kind] < MAX_FINDINGS;
}

static struct finding *add(struct checker *c, enum kind kind, const char *path, const char *text)
{
	struct finding *f;

	c->findings = arena_room(c->arena, c->findings, c->n, &c->cap, sizeof(*c->findings));
	f = &c->findings[c->n++];
	c->n_of[kind]++;
	*f = (struct finding){ .kind = kind,
			       .path = arena_strdup(c->arena, path),
			       .text = arena_strdup(c->arena, text) };
	if (*path)
		repair_locate(&c->repair, path, &f->line, &f->column);
	return f;
}

/* A removed value may be required by its parent or by its counterpart; and only the first complaint
 * about a value is about what the user wrote. */
static bool is_consequence(const struct checker *c, const char *path, const char *text)
{
	bool lack = strstr(text, "required but missing") || strstr(text, "must not be empty") ||
		    strstr(text, "expected at least");
	bool pair = strstr(text, "the two belong together");

	for (size_t i = 0; i < c->n; i++) {
		const char *other = c->findings[i].path;

		if (*path && str_equal(other, path))
			return true;
		if (lack && str_starts(other, path))
			return true;
		if (pair && (strstr(other, "uidMappings") || strstr(other, "gidMappings")))
			return true;
	}
	return false;
}

/* Whether nothing can be checked without it. */
static bool is_central(const char *path)
{
	return str_starts(path, "linux.namespaces") || str_equal(path, "linux") ||
	       str_equal(path, "process");
}

/* Records an error and removes its value. false: nothing is left to check. */
static bool take(struct checker *c, enum kind kind, struct err *err)
{
	const char *path = repair_path(&c->repair, err->path), *gone;
	char *rest = err->text;
	struct finding *f;

	if (err->code == EBADMSG) { /* not even JSON */
		f = add(c, kind, "", "");
		f->line = strtoul(rest, &rest, 10);
		f->column = *rest ? strtoul(rest + 1, &rest, 10) : 0;
		f->text = arena_strdup(c->arena, rest + strspn(rest, ": "));
		f->hint = *err->hint ? arena_strdup(c->arena, err->hint) : NULL;
		return false;
	}
	if (!has_room(c, kind))
		return false;
	if (!is_consequence(c, path, err->text)) {
		f = add(c, kind, path, err->text);
		if (!*path) /* it is about the document */
			repair_locate(&c->repair, path, &f->line, &f->column);
		f->hint = *err->hint ? arena_strdup(c->arena, err->hint) : NULL;
	}
	gone = repair_mend(&c->repair, err->path);
	c->cut_short |= gone && is_central(gone);
	return gone;
}

/* One pass over what is left. 0: all of it is valid. */
static int pass(struct checker *c, enum kind *ret_kind, struct err *err)
{
	int r;

	*err = (struct err){ 0 };
	*ret_kind = WRONG;
	r = decode_config(c->arena, NULL, c->repair.text, c->repair.len, &c->config, err);
	if (r == 0 && !c->cut_short)
		r = check_config(c->config, NULL, NULL, 0, err);
	if (r < 0 || c->cut_short)
		return r;
	*ret_kind = IMPOSSIBLE;
	return plan_build(c->arena, c->config, &c->facts, &c->plan_options, &c->plan, err);
}

static void add_ignored(void *data, const char *json_path, const char *text)
{
	struct checker *c = data;

	if (has_room(c, DROPPED))
		(void)add(c, DROPPED, repair_path(&c->repair, json_path), text);
}

static void add_missing(void *data, const char *json_path, const char *text)
{
	struct checker *c = data;

	if (has_room(c, MISSING))
		(void)add(c, MISSING, repair_path(&c->repair, json_path), text);
}

/* "PATH: words" if the value exists; otherwise words about the whole document. */
static void add_line(struct checker *c, enum kind kind, const char *line, const char *words)
{
	const char *path = words ? arena_strndup(c->arena, line, (size_t)(words - line)) : "";
	size_t row, column;

	if (!has_room(c, kind))
		return;
	if (words && json_read_locate(c->repair.text, c->repair.len, path, &row, &column))
		(void)add(c, kind, repair_path(&c->repair, path), words + strlen(": "));
	else
		(void)add(c, kind, "", line);
}

static void add_unknown(struct checker *c)
{
	_cleanup_str_ struct str text = { 0 };
	char *line, *save = NULL;

	decode_tell_unknown(c->arena, NULL, c->repair.text, c->repair.len, false, &text);
	for (line = text.s ? strtok_r(text.s, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		add_line(c, UNKNOWN, line, strstr(line, ": unknown member"));
}

/* A misspelt name leaves a call allowed, or forbidden. */
static void check_filter(struct checker *c)
{
	const struct process_plan *p = &c->plan->process;
	_cleanup_str_ struct str names = { 0 };
	struct filter_program program = { 0 };
	struct err err = { 0 };

	if (!p->seccomp || p->seccomp_bpf)
		return;
	if (filter_compile(c->arena, p->seccomp, &program, &err) < 0)
		(void)add(c, IMPOSSIBLE, repair_path(&c->repair, err.path), err.text);
	for (size_t i = 0; i < program.n_unknown; i++)
		str_addf(&names, "%s%s", i ? ", " : "", program.unknown[i]);
	if (names.len)
		(void)add(c, p->seccomp_known_only ? IMPOSSIBLE : DROPPED, "linux.seccomp.syscalls",
			  arena_strf(c->arena, "skipped system calls that are unknown here: %s",
				     names.s));
}

static void check_all(struct checker *c)
{
	enum kind kind;
	struct err err;

	while (pass(c, &kind, &err) < 0)
		if (!take(c, kind, &err))
			return;
	add_unknown(c);
	if (!c->plan)
		return;
	for (size_t i = 0; i < c->plan->n_warnings; i++)
		add_line(c, DROPPED, c->plan->warnings[i].text,
			 strstr(c->plan->warnings[i].text, ": "));
	check_filter(c);
	if (c->options->facts) /* they are another host's */
		return;
	explain_missing(c->arena, c->plan, &(struct explain_missing){ add_missing, c });
	explain_kernel(c->arena, c->plan, &(struct explain_missing){ add_missing, c });
	explain_ignored(c->arena, c->plan, &(struct explain_missing){ add_ignored, c });
}

static int compare(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

static int exit_status(const struct checker *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->findings[i].kind <= MISSING || c->options->strict)
			return 1;
	return 0;
}

static int print_text(const struct checker *c, struct err *err)
{
	_cleanup_str_ struct str out = { 0 };

	for (size_t i = 0; i < c->n; i++) {
		const struct finding *f = &c->findings[i];

		str_addf(&out, "%s:", c->name);
		if (f->line)
			str_addf(&out, "%zu:%zu:", f->line, f->column);
		str_addf(&out, " %s: %s%s%s\n", kinds[f->kind], f->path, *f->path ? ": " : "",
			 f->text);
		if (f->hint)
			str_addf(&out, "    -> %s\n", f->hint);
	}
	if (c->full)
		str_addf(&out, "%s: the rest is shown once these are mended\n", c->name);
	else if (c->cut_short)
		str_addf(&out, "%s: the rest can be checked once this is mended\n", c->name);
	else if (!c->n)
		str_addf(&out, "%s: nothing is the matter\n", c->name);
	return common_print_text(&out, err);
}

static int print_json(const struct checker *c, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(true);

	json_write_object(w, NULL);
	json_write_array(w, "findings");
	for (size_t i = 0; i < c->n; i++) {
		const struct finding *f = &c->findings[i];

		json_write_object(w, NULL);
		json_write_string(w, "kind", kinds[f->kind]);
		json_write_message(w, "path", f->path);
		if (f->line) {
			json_write_uint(w, "line", f->line);
			json_write_uint(w, "column", f->column);
		}
		json_write_message(w, "text", f->text);
		if (f->hint)
			json_write_message(w, "hint", f->hint);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_bool(w, "complete", !c->cut_short && !c->full);
	json_write_end(w);
	return common_print(w, err);
}

static int read_facts(struct checker *c, struct err *err)
{
	const char *file = c->options->facts;
	char *text;
	size_t len;
	int r;

	if (!file)
		return facts_gather(c->arena, FACTS_ALL, &c->facts, err);
	r = io_read_file(AT_FDCWD, file, 16 << 20, c->arena, &text, &len, err);
	return r < 0 ? r : facts_json_read(c->arena, file, text, len, &c->facts, err);
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	struct checker c = { .arena = arena, .options = data };
	const char *file;
	char *text;
	size_t len;
	int r = launch_find_bundle(arena, argc ? argv[0] : NULL, &c.plan_options.bundle, err);

	if (r < 0)
		return r;
	c.plan_options.id = "ID";
	c.plan_options.map = c.options->map;
	c.plan_options.cgroup_manager = globals->cgroup_manager;
	file = c.options->config;
	c.name = file ? file : "config.json";
	r = file ? launch_read_text(arena, file, &text, &len, err)
		 : launch_read_bundle(arena, c.plan_options.bundle, &text, &len, err);
	if (r == 0)
		r = read_facts(&c, err);
	if (r < 0)
		return r;
	repair_init(&c.repair, arena, text, len);
	check_all(&c);
	if (c.n)
		qsort(c.findings, c.n, sizeof(*c.findings), compare);
	r = c.options->json ? print_json(&c, err) : print_text(&c, err);
	return r < 0 ? r : exit_status(&c);
}

const struct cmd cmd_check = {
	.name = "check",
	.summary = "check a config for this user and this host",
	.arguments = "[BUNDLE]",
	.options = options,
	.options_size = sizeof(struct check_options),
	.min_args = 0,
	.max_args = 1,
	.exit_failure = 2,
	.run = run,
};
