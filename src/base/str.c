/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/str.h"

#include "src/base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 63 }; /* usually enough to format only once */

static void reserve(struct str *str, size_t more)
{
	size_t need = str->len + more + 1, cap = str->cap ? str->cap : LINE + 1;

	if (need <= str->cap)
		return;
	while (cap < need)
		cap *= 2;
	str->s = memory_resize(str->s, cap);
	str->cap = cap;
}

void str_addn(struct str *str, const char *text, size_t len)
{
	reserve(str, len);
	if (len)
		memcpy(str->s + str->len, text, len);
	str->len += len;
	str->s[str->len] = '\0';
}

void str_add(struct str *str, const char *text)
{
	str_addn(str, text, strlen(text));
}

void str_addv(struct str *str, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	reserve(str, LINE);
	va_copy(again, ap);
	len = vsnprintf(str->s + str->len, str->cap - str->len, fmt, again);
	va_end(again);
	if (len > 0 && (size_t)len >= str->cap - str->len) {
		reserve(str, (size_t)len);
		(void)vsnprintf(str->s + str->len, (size_t)len + 1, fmt, ap);
	}
	str->len += len > 0 ? (size_t)len : 0;
}

void str_addf(struct str *str, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_addv(str, fmt, ap);
	va_end(ap);
}

static void put_dots(char *text, size_t end)
{
	static const char dots[] = "...";

	for (end -= strlen(dots); end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80; end--)
		;
	memcpy(text + end, dots, sizeof(dots));
}

void str_cut(char *text, size_t max)
{
	if (strlen(text) > max)
		put_dots(text, max);
}

size_t str_control(const char *s)
{
	const unsigned char *c = (const unsigned char *)s;

	if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
		return 2;
	return *c < 0x20 || *c == 0x7f;
}

void str_tame(char *text)
{
	for (size_t n; *text; text += n ? n : 1) {
		n = str_control(text);
		memset(text, '?', n);
	}
}

void str_line(char *buf, size_t size, const char *fmt, va_list ap)
{
	int len = vsnprintf(buf, size, fmt, ap);

	if (len < 0)
		*buf = '\0';
	else if ((size_t)len >= size)
		put_dots(buf, size - 1);
	str_tame(buf);
}

void str_done(struct str *str)
{
	memory_put(str->s);
	*str = (struct str){ 0 };
}

bool str_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), n = strlen(suffix);

	return len >= n && strcmp(s + len - n, suffix) == 0;
}

const char **str_list(struct arena *arena, const char *const *v, size_t n, const char *const *more,
		      size_t n_more)
{
	const char **list = arena_array(arena, n + n_more + 1, sizeof(*list));

	for (size_t i = 0; i < n; i++)
		list[i] = v[i];
	for (size_t i = 0; i < n_more; i++)
		list[n + i] = more[i];
	return list;
}

const char *str_env_find(const char *const *env, size_t n, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = n; i-- > 0;)
		if (strncmp(env[i], name, len) == 0 && env[i][len] == '=')
			return env[i] + len + 1;
	return NULL;
}

bool str_has_word(const char *list, const char *word, char separator)
{
	size_t len = strlen(word);

	for (const char *at = list ? list : ""; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == separator) && (at[len] == separator || !at[len]))
			return true;
	return false;
}

enum { NAME_MAX_LEN = 24 };

/* Computes a row of the distance table: from the first i + 1 bytes of a to every prefix of b. */
static void distance_row(const char *a, size_t i, const char *b, size_t rows[3][NAME_MAX_LEN + 1])
{
	const size_t *older = rows[(i + 2) % 3], *last = rows[i % 3];
	size_t *row = rows[(i + 1) % 3];

	row[0] = i + 1;
	for (size_t j = 0; b[j]; j++) {
		size_t best = last[j] + (a[i] != b[j]);

		if (row[j] + 1 < best)
			best = row[j] + 1;
		if (last[j + 1] + 1 < best)
			best = last[j + 1] + 1;
		if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] &&
		    older[j - 1] + 1 < best)
			best = older[j - 1] + 1;
		row[j + 1] = best;
	}
}

size_t str_slips(const char *meant, const char *typed)
{
	size_t rows[3][NAME_MAX_LEN + 1] = { { 0 } }, n = strlen(meant), len = strlen(typed);
	size_t slips;

	if (n > NAME_MAX_LEN || len > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		rows[0][j] = j;
	for (size_t i = 0; i < len; i++)
		distance_row(typed, i, meant, rows);
	slips = rows[len % 3][n];
	return slips <= 2 && slips <= len / 3 ? slips : SIZE_MAX;
}
