/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan_cgroup.h"

#include "src/base/parse.h"
#include "src/base/str.h"

#include <string.h>

enum { MAX_TEXTS = 256 };

static const struct {
	char word[8], type[4];
} type_words[] = {
	{ "boolean", "b" }, { "int32", "i" },  { "uint32", "u" }, { "int64", "x" },
	{ "uint64", "t" },  { "@b", "b" },     { "@i", "i" },     { "@u", "u" },
	{ "@x", "x" },      { "@t", "t" },     { "@s", "s" },     { "@as", "as" },
	{ "string", "s" },  { "double", "d" }, { "@d", "d" },
};

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t\n");
}

/* "uint64 5": a leading type decides, otherwise the form of the value. */
static const char *take_type(const char **at)
{
	for (size_t i = 0; i < sizeof(type_words) / sizeof(type_words[0]); i++) {
		size_t len = strlen(type_words[i].word);

		if (strncmp(*at, type_words[i].word, len) != 0 || !strchr(" \t\n", (*at)[len]) ||
		    !(*at)[len])
			continue;
		*at = skip_blanks(*at + len);
		return type_words[i].type;
	}
	return NULL;
}

/* Takes a text in single or double quotes; a backslash escapes the next character, and \n and \t
 * have their usual meaning. */
static char *take_quoted(struct arena *arena, const char **at)
{
	char quote = **at, *text, *to;

	if (quote != '\'' && quote != '"')
		return NULL;
	text = to = arena_alloc(arena, strlen(*at) + 1);
	for (const char *c = *at + 1; *c; c++) {
		if (*c == quote) {
			*at = skip_blanks(c + 1);
			return text;
		}
		if (*c == '\\' && c[1]) {
			c++;
			*to++ = *c == 'n' ? '\n' : *c == 't' ? '\t' : *c;
		} else {
			*to++ = *c;
		}
	}
	return NULL;
}

static int take_list(struct arena *arena, const char *at, struct cgroup_property *ret)
{
	const char **texts = arena_array(arena, MAX_TEXTS, sizeof(*texts));
	size_t n = 0;

	at = skip_blanks(at + 1);
	while (*at != ']') {
		if (n == MAX_TEXTS || !(texts[n] = take_quoted(arena, &at)))
			return -EINVAL;
		n++;
		if (*at == ',')
			at = skip_blanks(at + 1);
		else if (*at != ']')
			return -EINVAL;
	}
	if (*skip_blanks(at + 1))
		return -EINVAL;
	ret->type = "as";
	ret->texts = texts;
	ret->n = n;
	return 0;
}

/* Parses digits with a point, independent of the locale. */
static int parse_real(const char *text, double *ret)
{
	double value = 0, unit = 1;
	const char *c = text + (*text == '-');

	if (!*c || strspn(c, "0123456789.") != strlen(c) || strchr(c, '.') != strrchr(c, '.') ||
	    str_equal(c, "."))
		return -EINVAL;
	for (; *c && *c != '.'; c++)
		value = value * 10 + (*c - '0');
	for (c += *c == '.'; *c; c++)
		value += (*c - '0') * (unit /= 10);
	*ret = *text == '-' ? -value : value;
	return 0;
}

static int take_number(const char *text, const char *type, struct cgroup_property *ret)
{
	uint64_t u = 0;
	int64_t i = 0;
	int r;

	if (str_equal(type, "d") || (!type && strchr(text, '.'))) {
		ret->type = "d";
		return parse_real(text, &ret->real);
	}
	ret->type = type ? type : "i";
	if (str_equal(ret->type, "t") || str_equal(ret->type, "u")) {
		r = parse_u64_range(text, 0, *ret->type == 't' ? UINT64_MAX : UINT32_MAX, &u);
	} else if (str_equal(ret->type, "i") || str_equal(ret->type, "x")) {
		r = parse_i64(text, &i);
		if (r == 0 && *ret->type == 'i' && (i < INT32_MIN || i > INT32_MAX))
			r = -ERANGE;
		u = (uint64_t)i;
	} else {
		return -EINVAL;
	}
	ret->number = u;
	return r < 0 ? -EINVAL : 0;
}

int plan_gvariant_parse(struct arena *arena, const char *text, struct cgroup_property *ret)
{
	const char *at = skip_blanks(text), *type = take_type(&at);
	size_t len = strlen(at);

	while (len && strchr(" \t\n", at[len - 1]))
		len--;
	if (*at == '[' && (!type || str_equal(type, "as")))
		return take_list(arena, at, ret);
	if (*at == '\'' || *at == '"') {
		ret->text = take_quoted(arena, &at);
		ret->type = "s";
		return ret->text && !*at && (!type || str_equal(type, "s")) ? 0 : -EINVAL;
	}
	at = arena_strndup(arena, at, len);
	if (str_equal(at, "true") || str_equal(at, "false")) {
		ret->type = "b";
		ret->number = *at == 't';
		return !type || str_equal(type, "b") ? 0 : -EINVAL;
	}
	return take_number(at, type, ret);
}

int plan_gvariant_seconds(struct arena *arena, struct cgroup_property *property)
{
	size_t len = strlen(property->name);
	bool negative = strchr("ix", *property->type) && (int64_t)property->number < 0;

	if (len <= 3 || !str_ends(property->name, "Sec") || str_ends(property->name, "USec"))
		return 0;
	if (!strchr("iuxtd", *property->type) || negative || property->real < 0)
		return -EINVAL;
	/* converting a value that does not fit is undefined; some processors yield 0 */
	if (*property->type == 'd' && !(property->real < (double)(UINT64_MAX / 1000000)))
		return -EINVAL;
	if (*property->type == 'd')
		property->number = (uint64_t)(property->real * 1e6 + 0.5);
	else if (property->number > UINT64_MAX / 1000000)
		return -EINVAL;
	else
		property->number *= 1000000;
	property->name = arena_strf(arena, "%.*sUSec", (int)(len - 3), property->name);
	property->type = "t";
	return 0;
}
