/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan_old.h"

#include "src/base/str.h"

#include <string.h>

/* The line that begins with the same word, as a file has them that lists devices. */
static const char *line_of(struct arena *arena, const char *text, const char *word, size_t len)
{
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (strncmp(at, word, len) == 0 && at[len] == ' ')
			return arena_strndup(arena, at, strcspn(at, "\n"));
	return NULL;
}

const char *plan_old_value(struct arena *arena, const char *file, const char *value,
			   const char *text)
{
	size_t word = strcspn(value, " ");
	const char *line;

	if (str_equal(file, "memory.oom_control")) /* "oom_kill_disable 0", and what it counts */
		return str_starts(text, "oom_kill_disable 1") ? "1" : "0";
	if (!value[word] || str_equal(file, "cpu.max"))
		return *text ? arena_strndup(arena, text, strcspn(text, "\n")) : NULL;
	line = line_of(arena, text, value, word);
	if (line)
		return line;
	if (str_equal(file, "io.max"))
		return arena_strf(arena, "%.*s rbps=max wbps=max riops=max wiops=max", (int)word,
				  value);
	if (str_equal(file, "rdma.max"))
		return arena_strf(arena, "%.*s hca_handle=max hca_object=max", (int)word, value);
	if (str_starts(file, "blkio.throttle."))
		return arena_strf(arena, "%.*s 0", (int)word, value);
	return NULL;
}
