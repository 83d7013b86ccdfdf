/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/text.h"

#include "src/base/io.h"
#include "src/base/parse.h"
#include "src/base/str.h"

#include <string.h>
#include <strings.h>

enum { SMALL = 4096, MAX = 4 << 20 };

int text_read(struct arena *arena, const char *path, char **ret)
{
	char small[SMALL];
	ssize_t n = io_read_small(IO_FIXED, path, small, sizeof(small));
	struct err err;

	if (n < 0)
		return (int)n;
	/* A full buffer may hold only the beginning (one byte is for the NUL, and one newline may
	 * be cut). */
	if (n >= SMALL - 2)
		return io_read_file(IO_FIXED, path, MAX, arena, ret, NULL, &err);
	*ret = arena_strndup(arena, small, (size_t)n);
	return 0;
}

bool text_line(const char **next, const char **ret_line, size_t *ret_len)
{
	size_t len;

	if (!**next)
		return false;
	len = strcspn(*next, "\n");
	*ret_line = *next;
	*ret_len = len;
	*next += len + ((*next)[len] == '\n');
	return true;
}

bool text_field(const char *line, size_t len, char separator, size_t index, const char **ret,
		size_t *ret_len)
{
	const char *end = line + len;

	for (;; index--) {
		const char *stop = memchr(line, separator, (size_t)(end - line));
		size_t field = (size_t)((stop ? stop : end) - line);

		if (index == 0) {
			*ret = line;
			*ret_len = field;
			return true;
		}
		if (!stop)
			return false;
		line = stop + 1;
	}
}

bool text_field_number(const char *line, size_t len, char separator, size_t index, uint64_t *ret)
{
	char digits[24];
	const char *field;
	size_t n;

	if (!text_field(line, len, separator, index, &field, &n) || n == 0 || n >= sizeof(digits))
		return false;
	if (n > 1 && field[0] == '0') /* some programs would read it as octal */
		return false;
	memcpy(digits, field, n);
	digits[n] = '\0';
	return parse_u64(digits, ret) == 0;
}

bool text_is(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(s, word, len) == 0;
}

/* The length of a client's phrase at s, and its replacement; 0 if there is none. */
static size_t find_phrase(const char *s, const char **ret_instead)
{
	static const struct {
		const char *phrase;
		int error;
	} phrases[] = {
		{ "operation not permitted", EPERM },
		{ "permission denied", EACCES },
		{ "no such file or directory", ENOENT },
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		size_t len = strlen(phrases[i].phrase);

		if (strncasecmp(s, phrases[i].phrase, len) == 0) {
			*ret_instead = err_why(phrases[i].error);
			return len;
		}
	}
	return 0;
}

char *text_of_program(struct arena *arena, const char *words)
{
	_cleanup_str_ struct str text = { 0 };

	while (*words) {
		const char *instead;
		size_t len = find_phrase(words, &instead);

		if (len) {
			str_add(&text, instead);
			words += len;
			continue;
		}
		str_addn(&text, (unsigned char)*words < ' ' ? " " : words, 1);
		words++;
	}
	while (text.len && text.s[text.len - 1] == ' ')
		text.len--;
	return arena_strndup(arena, str_text(&text), text.len);
}
