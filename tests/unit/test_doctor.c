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

/* Lines as "table/key=value ", without what is not there. */
static const char *read_all(struct arena *arena, const char *text)
{
	static char all[512];
	struct str out = { 0 };
	struct doctor_toml_line line;
	const char *next = text, *table = NULL;

	while (doctor_toml_next(arena, &next, &table, &line))
		str_addf(&out, "%s%s%s%s%s ", line.table, line.key ? "/" : "",
			 line.key ? line.key : "", line.key ? "=" : "", line.key ? line.value : "");
	strcpy(all, str_text(&out));
	str_done(&out);
	return all;
}

TEST(toml_lines)
{
	struct arena arena = { 0 };

	CHECK_STR(read_all(&arena, ""), "");
	CHECK_STR(read_all(&arena, "# runtime = \"a\"\n\n   \nnothing\n"), "");
	CHECK_STR(read_all(&arena, "[engine]\nruntime = \"usrun\" # here\n"),
		  "engine engine/runtime=usrun ");
	CHECK_STR(read_all(&arena, "  [ engine . runtimes ]\n\tusrun = [\"/a b\", \"/c\"]\r\n"),
		  "engine.runtimes engine.runtimes/usrun=/a b ");
	CHECK_STR(read_all(&arena, "[plugins.'io.x.v1'.\"y\"]\nBinaryName = '/x'"),
		  "plugins.io.x.v1.y plugins.io.x.v1.y/BinaryName=/x ");
	CHECK_STR(read_all(&arena, "a = true # \"no\"\nb=\nc = \"open\n[d"),
		  "/a=true#no /b= /c= d ");
	arena_free(&arena);
}
