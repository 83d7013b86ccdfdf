/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/query.h"

#include <stdbool.h>
#include <string.h>

enum { ENQ = 5, BEL = 7, ESC = 27 };

/* Window operations 11 to 21 are queries. */
static bool asks_of_window(const char *text)
{
	text += strspn(text, "0");
	return strspn(text, "0123456789") == 2 && strncmp(text, "11", 2) >= 0 &&
	       strncmp(text, "21", 2) <= 0;
}

/* Whether a control sequence is a query. Its parameters begin at `text`; `end` is its last byte. */
static bool control_asks(const char *text, const char *end)
{
	char kind = *text >= '<' && *text <= '?' ? *text : '0', before = end > text ? end[-1] : '0';

	switch (*end) {
	case 'c': /* the terminal's type; with "?" the shape of Linux's cursor */
		return kind != '?';
	case 'n': /* its status or the cursor's position; with ">" a setting */
		return kind == '0' || kind == '?';
	case 'p': /* a mode */
		return before == '$';
	case 't': /* the window */
		return kind == '0' && asks_of_window(text);
	case 'x': /* line parameters; with "$" it fills a rectangle */
		return before != '$' && before != '*';
	case 'y': /* the checksum of a rectangle */
		return before == '*';
	case 'q': /* the version */
		return kind == '>';
	case 'u': /* keyboard reporting */
	case 'm':
	case 'S': /* graphics */
		return kind == '?';
	default:
		return false;
	}
}

/* The end of a string sequence that began before `at`, or NULL. */
static const char *string_end(const char *at, const char *end)
{
	for (; at < end; at++)
		if (*at == BEL || (*at == '\\' && at[-1] == ESC))
			return at;
	return NULL;
}

static bool string_asks(const char *text, const char *last)
{
	const char *end = *last == BEL ? last : last - 1;

	if (text[1] == 'P') /* a setting, or a capability */
		return (text[2] == '$' || text[2] == '+') && text[3] == 'q';
	return end - text >= 4 && end[-1] == '?' && end[-2] == ';'; /* a colour, the clipboard */
}

/* The length of the sequence that begins with ESC; 0: incomplete. */
static size_t sequence(const char *text, const char *end, bool *ret_asks)
{
	const char *at = text + 2;

	if (end - text < 2)
		return 0;
	switch (text[1]) {
	case '[':
		while (at < end && *at >= 0x20 && *at < 0x40)
			at++;
		if (at == end)
			return 0;
		if (*at < 0x40) /* aborted */
			return (size_t)(at - text);
		*ret_asks = control_asks(text + 2, at);
		return (size_t)(at - text) + 1;
	case ']':
	case 'P':
		at = string_end(at, end);
		*ret_asks = at && string_asks(text, at);
		return at ? (size_t)(at - text) + 1 : 0;
	case ESC:
		return 1;
	default:
		*ret_asks = text[1] == 'Z';
		return 2;
	}
}

size_t query_resume(struct query *query, char *text)
{
	size_t n = query->n;

	memcpy(text, query->held, n);
	query->n = 0;
	return n;
}

void query_hold(struct query *query, const char *text, size_t len)
{
	memcpy(query->held, text, len);
	query->n = len;
}

size_t query_drop(struct query *query, char *text, size_t len)
{
	const char *end = text + len;
	char *to = text;

	for (const char *at = text; at < end;) {
		bool asks = *at == ENQ;
		size_t n = *at == ESC ? sequence(at, end, &asks) : 1;

		if (!n && end - at <= QUERY_HELD) {
			query_hold(query, at, (size_t)(end - at));
			break;
		}
		n = n ? n : (size_t)(end - at); /* too long for a real query */
		if (!asks)
			memmove(to, at, n);
		to += asks ? 0 : n;
		at += n;
	}
	return (size_t)(to - text);
}
