/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/passwd.h"

#include "src/base/text.h"

enum { NAME = 0, UID = 2, HOME = 5, SHELL = 6 };

static const char *field(struct arena *arena, const char *line, size_t len, size_t index)
{
	const char *text;
	size_t text_len;

	return text_field(line, len, ':', index, &text, &text_len) && text_len
		       ? arena_strndup(arena, text, text_len)
		       : NULL;
}

bool passwd_find(struct arena *arena, const char *text, uint32_t uid, struct passwd *ret)
{
	const char *line;
	uint64_t id;
	size_t len;

	while (text_line(&text, &line, &len)) {
		if (!text_field_number(line, len, ':', UID, &id) || id != uid)
			continue;
		*ret = (struct passwd){ .name = field(arena, line, len, NAME),
					.home = field(arena, line, len, HOME),
					.shell = field(arena, line, len, SHELL) };
		if (ret->name)
			return true;
	}
	return false;
}
