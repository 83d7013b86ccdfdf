/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as what the kernel shows of a process whose name and mounts others have chosen: mountinfo,
 * stat, and the small files of cgroups. */
#include "src/base/text.h"
#include "src/host/mountinfo.h"
#include "src/state/status.h"
#include "tests/fuzz/expect.h"

static void try_mountinfo(struct arena *arena, const char *text)
{
	const char *next = text;
	struct mountinfo_line line;

	while (mountinfo_next(&next, &line)) {
		const struct mountinfo_piece pieces[] = { line.id,   line.parent, line.device,
							  line.root, line.type,   line.super };

		for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
			expect(pieces[i].s >= text && pieces[i].s + pieces[i].len <= next);
		expect(strlen(mountinfo_text(arena, line.target)) <= line.target.len);
		(void)mountinfo_is(line.type, "proc");
	}
}

static void try_lines(const char *text)
{
	const char *next = text, *line, *field;
	size_t len, n;
	uint64_t number;

	while (text_line(&next, &line, &len)) {
		expect(line >= text && line + len <= next);
		for (size_t i = 0; i < 4; i++) {
			if (text_field(line, len, ' ', i, &field, &n))
				expect(field >= line && field + n <= line + len);
			(void)text_field_number(line, len, ':', i, &number);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	char *text = arena_strndup(&arena, (const char *)data, size);

	try_mountinfo(&arena, text);
	try_lines(text);
	(void)text_of_program(&arena, text);
	(void)status_parse_stat(text);
	arena_free(&arena);
	return 0;
}
