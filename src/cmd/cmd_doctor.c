/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what this caller can do on this host, and how to fix the rest. */
#include "src/cmd/common.h"
#include "src/doctor/doctor.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

struct doctor_options {
	const char *path;
	bool engines, json;
};

static const struct option options[] = {
	{ 0, "engines", OPTION_FLAG, offsetof(struct doctor_options, engines), "",
	  "also check the settings of engines" },
	{ 0, "json", OPTION_FLAG, offsetof(struct doctor_options, json), "",
	  "print one JSON object" },
	{ 0, "path", OPTION_TEXT, offsetof(struct doctor_options, path), "DIR",
	  "directory to check (default: .)" },
	{ 0 },
};

/* Number of checks with each result. */
struct tally {
	size_t n[DOCTOR_FAIL + 1];
};

static int exit_status(const struct tally *tally)
{
	return tally->n[DOCTOR_FAIL] ? 2 : tally->n[DOCTOR_WARN] ? 1 : 0;
}

static void add_text(struct str *out, const char *id, const struct doctor_finding *finding)
{
	str_addf(out, "%-5s %-16s %s\n", doctor_result_name(finding->result), id, finding->cause);
	if (finding->fix)
		str_addf(out, "                       -> %s\n", finding->fix);
}

static void add_json(struct json_write *w, const char *id, const struct doctor_finding *finding)
{
	json_write_object(w, NULL);
	json_write_string(w, "id", id);
	json_write_string(w, "result", doctor_result_name(finding->result));
	json_write_message(w, "cause", finding->cause);
	if (finding->fix)
		json_write_message(w, "fix", finding->fix);
	json_write_end(w);
}

static int print_text(struct doctor *d, bool engines, struct tally *tally, struct err *err)
{
	_cleanup_str_ struct str out = { 0 };
	int r = 0;

	for (const struct doctor_check *check = doctor_checks; r == 0 && *check->id; check++) {
		struct doctor_finding finding;

		if (check->group == DOCTOR_ENGINES && !engines)
			continue;
		doctor_look(d, check, &finding);
		tally->n[finding.result]++;
		/* Prints each one at once: some take a moment. */
		add_text(&out, check->id, &finding);
		r = common_print_text(&out, err);
		str_done(&out);
	}
	str_addf(&out, "%zu ok, %zu skipped, %zu to look at, %zu failed\n", tally->n[DOCTOR_OK],
		 tally->n[DOCTOR_SKIP], tally->n[DOCTOR_WARN], tally->n[DOCTOR_FAIL]);
	return r < 0 ? r : common_print_text(&out, err);
}

static int print_json(struct doctor *d, bool engines, struct tally *tally, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(true);

	json_write_object(w, NULL);
	json_write_array(w, "checks");
	for (const struct doctor_check *check = doctor_checks; *check->id; check++) {
		struct doctor_finding finding;

		if (check->group == DOCTOR_ENGINES && !engines)
			continue;
		doctor_look(d, check, &finding);
		tally->n[finding.result]++;
		add_json(w, check->id, &finding);
	}
	json_write_end(w);
	json_write_object(w, "count");
	for (int result = DOCTOR_OK; result <= DOCTOR_FAIL; result++)
		json_write_uint(w, doctor_result_name((enum doctor_result)result),
				tally->n[result]);
	json_write_end(w);
	json_write_int(w, "status", exit_status(tally));
	json_write_end(w);
	return common_print(w, err);
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	const struct doctor_options *o = data;
	char path[PATH_MAX];
	struct doctor d = { .arena = arena, .state_root = globals->root };
	struct tally tally = { 0 };
	int r;

	(void)argc;
	(void)argv;
	/* A path that cannot be resolved is a finding. */
	d.path = realpath(o->path ? o->path : ".", path) ? path : o->path ? o->path : ".";
	doctor_prepare(&d);
	r = o->json ? print_json(&d, o->engines, &tally, err)
		    : print_text(&d, o->engines, &tally, err);
	return r < 0 ? r : exit_status(&tally);
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.summary = "test what this host lets this user do, and say how to fix the rest",
	.arguments = "",
	.options = options,
	.options_size = sizeof(struct doctor_options),
	.min_args = 0,
	.max_args = 0,
	.exit_failure = 2,
	.run = run,
};
