/* SPDX-License-Identifier: Apache-2.0 */
#include "src/doctor/doctor_toml.h"

#include "src/base/text.h"

#include <string.h>

/* The name of a table or key, without quotes and spaces, whatever they enclose. */
static const char *plain(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_strndup(arena, s, len), *to = copy;

	for (const char *from = copy; *from; from++)
		if (!strchr("\"' \t\r", *from))
			*to++ = *from;
	*to = '\0';
	return copy;
}

/* The first string of a value, or the value as it is. */
static const char *value_of(struct arena *arena, const char *s, size_t len)
{
	for (size_t i = 0; i < len && s[i] != '#'; i++) {
		const char *end;

		if (s[i] != '"' && s[i] != '\'')
			continue;
		end = memchr(s + i + 1, s[i], len - i - 1);
		return end ? arena_strndup(arena, s + i + 1, (size_t)(end - s) - i - 1) : "";
	}
	return plain(arena, s, len);
}

bool doctor_toml_next(struct arena *arena, const char **next, const char **table,
		      struct doctor_toml_line *ret)
{
	const char *line, *equal, *end;
	size_t len;

	while (text_line(next, &line, &len)) {
		while (len && (*line == ' ' || *line == '\t')) {
			line++;
			len--;
		}
		if (len == 0 || *line == '#')
			continue;
		if (*line == '[') {
			end = memchr(line, ']', len);
			*table = plain(arena, line + 1, end ? (size_t)(end - line) - 1 : len - 1);
			*ret = (struct doctor_toml_line){ .table = *table };
			return true;
		}
		equal = memchr(line, '=', len);
		if (!equal)
			continue;
		*ret = (struct doctor_toml_line){
			.table = *table ? *table : "",
			.key = plain(arena, line, (size_t)(equal - line)),
			.raw = arena_strndup(arena, equal + 1, (size_t)(line + len - equal) - 1),
			.value = value_of(arena, equal + 1, (size_t)(line + len - equal) - 1),
		};
		return true;
	}
	return false;
}
