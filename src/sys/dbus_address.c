/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/dbus_address.h"

#include "src/base/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* NULL if a percent sign stands before anything but two hexadecimal digits, or for a NUL. */
static const char *unescape(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_alloc(arena, len + 1), *to = copy;

	for (size_t i = 0; i < len; i++) {
		char digits[3] = "", *end;

		if (s[i] != '%') {
			*to++ = s[i];
			continue;
		}
		if (len - i < 3 || !isxdigit((unsigned char)s[i + 1]))
			return NULL;
		memcpy(digits, s + i + 1, 2);
		*to = (char)strtoul(digits, &end, 16);
		if (*end || !*to++)
			return NULL;
		i += 2;
	}
	return copy;
}

int dbus_address_next(struct arena *arena, const char **list, const char **ret_path)
{
	const char *at = *list + strspn(*list, ";"), *path = NULL;
	size_t transport = strcspn(at, ":;");
	bool is_unix = transport == 4 && str_starts(at, "unix");

	if (!*at)
		return 0;
	if (at[transport] != ':' || !transport)
		return -EINVAL;
	for (at += transport; *at == ':' || *at == ',';) {
		size_t key, len = strcspn(++at, ",;");
		const char *value;

		if (len == 0) /* "unix:" has no keys */
			continue;
		key = strcspn(at, "=");
		value = key < len ? unescape(arena, at + key + 1, len - key - 1) : NULL;
		if (!value)
			return -EINVAL;
		if (is_unix && key == 4 && str_starts(at, "path"))
			path = value;
		at += len;
	}
	*list = at;
	*ret_path = path;
	return 1;
}

const char *dbus_address_of(struct arena *arena, const char *path)
{
	_cleanup_str_ struct str text = { 0 };

	str_add(&text, "unix:path=");
	for (; *path; path++)
		if (isalnum((unsigned char)*path) || strchr("-_/.\\*", *path))
			str_addn(&text, path, 1);
		else
			str_addf(&text, "%%%02x", (unsigned char)*path);
	return arena_strdup(arena, text.s);
}
