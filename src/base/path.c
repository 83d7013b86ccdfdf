/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/path.h"

#include <string.h>

static bool is_component(const char *at, size_t len, const char *name)
{
	return len == strlen(name) && strncmp(at, name, len) == 0;
}

char *path_clean(struct arena *arena, const char *path)
{
	char *clean = arena_alloc(arena, strlen(path) + 2), *end = clean;

	while (*path) {
		size_t len = strcspn(path, "/");

		if (is_component(path, len, "..")) {
			while (end > clean && *--end != '/')
				;
		} else if (len && !is_component(path, len, ".")) {
			*end++ = '/';
			memcpy(end, path, len);
			end += len;
		}
		path += len;
		path += strspn(path, "/");
	}
	if (end == clean)
		*end++ = '/';
	*end = '\0';
	return clean;
}

char *path_join(struct arena *arena, const char *base, const char *name)
{
	size_t len, rest = strlen(name) + 1;
	bool slash;
	char *path;

	if (*name == '/')
		return arena_strdup(arena, name);
	len = strlen(base);
	slash = !len || base[len - 1] != '/';
	/* Not by printf(): a sandbox joins sixty paths at each start. */
	path = arena_alloc(arena, len + slash + rest);
	memcpy(path, base, len);
	if (slash)
		path[len] = '/';
	memcpy(path + len + slash, name, rest);
	return path;
}

bool path_is_below(const char *path, const char *dir)
{
	size_t len = 0;

	if (*dir == '/' && dir[1] == '\0')
		return *path == '/';
	while (dir[len] && dir[len] == path[len])
		len++;
	return !dir[len] && (path[len] == '/' || path[len] == '\0');
}

bool path_has_dotdot(const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (is_component(path, len, ".."))
			return true;
		path += len;
		path += strspn(path, "/");
	}
	return false;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
