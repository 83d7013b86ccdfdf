/* SPDX-License-Identifier: Apache-2.0 */
/* The table of checks, and the lines of engines' settings files. */
#include "src/doctor/doctor.h"

#include "src/base/str.h"
#include "src/doctor/doctor_toml.h"
#include "tests/lib/check.h"

#include <ctype.h>
#include <string.h>

TEST(checks_have_names_of_their_own)
{
	for (const struct doctor_check *check = doctor_checks; *check->id; check++) {
		CHECK(strlen(check->id) < sizeof(check->id));
		for (const char *c = check->id; *c; c++)
			CHECK(islower((unsigned char)*c) || *c == '-');
		for (const struct doctor_check *other = doctor_checks; other < check; other++)
			CHECK(!str_equal(other->id, check->id));
	}
}

/* "key=value ", and "|" before each further string of a list. */
static void add_value(void *data, const struct doctor_toml_value *v)
{
	str_addf(data, "%s=%s", v->key, v->value);
	for (size_t i = 1; i < v->n_list; i++)
		str_addf(data, "|%s", v->list[i]);
	str_add(data, " ");
}

static const char *read_all(struct arena *arena, const char *text)
{
	static char all[512];
	struct str out = { 0 };

	doctor_toml_read(arena, text, add_value, &out);
	strcpy(all, str_text(&out));
	str_done(&out);
	return all;
}

TEST(toml_tables)
{
	struct arena arena = { 0 };

	CHECK_STR(read_all(&arena, ""), "");
	CHECK_STR(read_all(&arena, "# runtime = \"a\"\n\n   \nnothing\n"), "");
	CHECK_STR(read_all(&arena, "[engine]\nruntime = \"usrun\" # here\n"),
		  "engine.runtime=usrun ");
	CHECK_STR(read_all(&arena, "  [ engine . runtimes ]\n\tusrun = [\"/a b\", \"/c\"]\r\n"),
		  "engine.runtimes.usrun=/a b|/c ");
	CHECK_STR(read_all(&arena, "[plugins.'io.x.v1'.\"y\"]\nBinaryName = '/x'"),
		  "plugins.io.x.v1.y.BinaryName=/x ");
	CHECK_STR(read_all(&arena, "[[a]]\nb=1_0\n[[a]]\nb=2"), "a.b=1_0 a.b=2 ");
	arena_free(&arena);
}

TEST(toml_keys_and_values)
{
	struct arena arena = { 0 };

	CHECK_STR(read_all(&arena, "engine.runtime = \"usrun\"\n"
				   "engine . \"runtimes\".usrun = [ # here\n"
				   "  \"/a\", # no, \"b\"\n\n  '/c',\n]\nx=1"),
		  "engine.runtime=usrun engine.runtimes.usrun=/a|/c x=1 ");
	CHECK_STR(read_all(&arena, "[engine]\nruntimes = { usrun = [\"/a\"], crun.x='b' }\n"
				   "json = [\"usrun\", {append=true}]\ny=2"),
		  "engine.runtimes.usrun=/a engine.runtimes.crun.x=b engine.json.append=true "
		  "engine.json=usrun engine.y=2 ");
	CHECK_STR(
		read_all(&arena, "a = \"q\\\"\\\\\"\nb = 'q\\'\nc = \"\"\"x\n[y]\"\"\"\nd = \"\""),
		"a=q\"\\ b=q\\ c=x\n[y] d= ");
	arena_free(&arena);
}

TEST(what_is_not_toml_is_passed_over)
{
	struct arena arena = { 0 };

	CHECK_STR(read_all(&arena, "a = true # \"no\"\nb=\nc = \"open\n[d"), "a=true b= c= ");
	CHECK_STR(read_all(&arena, "= 1\n]\na = [1, }\n"), "=1 a=[1, }\n ");
	CHECK_STR(read_all(&arena, "a = { b = \"1\", ]"), "a.b=1 ");
	CHECK_STR(read_all(&arena, "a = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[["),
		  "a=[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ ");
	arena_free(&arena);
}
