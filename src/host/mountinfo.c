/* SPDX-License-Identifier: Apache-2.0 */
#include "src/host/mountinfo.h"

#include "src/base/text.h"

#include <string.h>

/* Takes the next word of a line that ends at end. */
static struct mountinfo_piece take_word(const char **p, const char *end)
{
	const char *blank = memchr(*p, ' ', (size_t)(end - *p));
	struct mountinfo_piece word = { .s = *p, .len = (size_t)((blank ? blank : end) - *p) };

	*p = blank ? blank + 1 : end;
	return word;
}

/* A line: "36 35 98:0 /root /target options optional… - type source super". */
bool mountinfo_next(const char **next, struct mountinfo_line *ret)
{
	const char *line;
	size_t len;

	while (text_line(next, &line, &len)) {
		const char *p = line, *end = line + len;

		ret->id = take_word(&p, end);
		ret->parent = take_word(&p, end);
		ret->device = take_word(&p, end);
		ret->root = take_word(&p, end);
		ret->target = take_word(&p, end);
		while (p < end && !mountinfo_is(take_word(&p, end), "-"))
			;
		ret->type = take_word(&p, end);
		(void)take_word(&p, end);
		ret->super = take_word(&p, end);
		if (ret->super.len)
			return true;
	}
	return false;
}

bool mountinfo_is(struct mountinfo_piece piece, const char *word)
{
	return text_is(piece.s, piece.len, word);
}

char *mountinfo_text(struct arena *arena, struct mountinfo_piece piece)
{
	char *text = arena_strndup(arena, piece.s, piece.len), *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return text;
}
