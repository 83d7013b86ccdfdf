/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_text.h"

#include "src/base/str.h"

#include <stdint.h>
#include <string.h>

/* Length of the valid character at s, or 0 (Unicode 15, table 3-7). */
static size_t utf8_char(const unsigned char *s, size_t len)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n > len)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0; /* lower ones have a shorter form */
	else if (s[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

size_t json_text_find_bad_utf8(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t i = 0;

	while (i < len) {
		uint64_t eight;
		size_t n;

		/* Checks eight bytes at once: configurations are nearly all ASCII. */
		while (len - i >= sizeof(eight)) {
			memcpy(&eight, s + i, sizeof(eight));
			if (eight & UINT64_C(0x8080808080808080))
				break;
			i += sizeof(eight);
		}
		if (i == len)
			break;
		n = utf8_char(s + i, len - i);
		if (n == 0)
			return i;
		i += n;
	}
	return len;
}

void json_text_seek(const char *text, size_t offset, struct json_text_place *place)
{
	if (!place->line || offset < place->offset)
		*place = (struct json_text_place){ 0, 1, 1 };
	for (; place->offset < offset; place->offset++) {
		if (text[place->offset] == '\n') {
			place->line++;
			place->column = 1;
		} else if (((unsigned char)text[place->offset] & 0xc0) != 0x80) {
			place->column++;
		}
	}
}

size_t json_text_string_start(const char *text, size_t end)
{
	size_t i = end < 2 ? 0 : end - 2;

	/* A quote inside the string is preceded by an odd number of backslashes, the opening one by
	 * none, since no backslash can stand outside a string. */
	while (i > 0) {
		size_t slashes = 0;

		while (i > 0 && text[i] != '"')
			i--;
		while (slashes < i && text[i - slashes - 1] == '\\')
			slashes++;
		if (slashes % 2 == 0)
			break;
		i -= slashes;
	}
	return i;
}

static unsigned int hex4(const char *s)
{
	unsigned int value = 0;

	for (size_t i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)s[i];

		value = value * 16 + (c <= '9' ? c - 0x30U : (c | 0x20U) - 0x61U + 10U);
	}
	return value;
}

bool json_text_has_lone_surrogate(const char *raw, size_t len)
{
	bool high = false; /* the previous character was the first half of a pair */

	for (size_t i = 0; i < len; i++) {
		unsigned int unit = 0;

		if (raw[i] == '\\' && i + 5 < len && raw[i + 1] == 'u') {
			unit = hex4(raw + i + 2);
			i += 5;
		} else if (raw[i] == '\\') {
			i++;
		}
		if (high != (unit >= 0xdc00 && unit <= 0xdfff))
			return true;
		high = unit >= 0xd800 && unit <= 0xdbff;
	}
	return high;
}

const char *json_text_shorten(char *buf, size_t size, const char *s, size_t len)
{
	static const char dots[] = "...";
	size_t room = size - 1, n = len;

	if (len > room) {
		n = room < sizeof(dots) ? 0 : room - (sizeof(dots) - 1);
		while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
	}
	for (size_t i = 0, bytes; i < n; i += bytes) {
		size_t valid = utf8_char((const unsigned char *)s + i, n - i);

		bytes = valid ? valid : 1;
		if (valid && !str_control(s + i))
			memcpy(buf + i, s + i, bytes);
		else
			memset(buf + i, '?', bytes);
	}
	buf[n] = '\0';
	if (n < len && n + sizeof(dots) <= size)
		memcpy(buf + n, dots, sizeof(dots));
	return buf;
}

const char *json_text_quote(char *buf, const char *s)
{
	size_t n;

	buf[0] = '"';
	(void)json_text_shorten(buf + 1, JSON_TEXT_QUOTE - 2, s, strlen(s));
	n = strlen(buf);
	buf[n] = '"';
	buf[n + 1] = '\0';
	return buf;
}
