/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/rdt.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Parses "id=value". Masks are hexadecimal and percentages decimal, but equal texts mean equal
 * numbers in either. */
static bool next_domain(const char **at, unsigned long *ret_id, unsigned long *ret_value)
{
	char *end;

	*at += strspn(*at, " ;");
	*ret_id = strtoul(*at, &end, 10);
	if (end == *at || *end != '=')
		return false;
	*at = end + 1;
	*ret_value = strtoul(*at, &end, 16);
	if (end == *at)
		return false;
	*at = end + strcspn(end, ";\n");
	return true;
}

/* The domains of a resource, after its name and ":"; NULL if the file does not list it. */
static const char *domains_of(const char *file, const char *name, size_t len)
{
	while (*file) {
		file += strspn(file, " ");
		if (strncmp(file, name, len) == 0 && file[len] == ':')
			return file + len + 1;
		file += strcspn(file, "\n");
		file += *file == '\n';
	}
	return NULL;
}

bool rdt_has_line(const char *file, const char *line)
{
	size_t len = strcspn(line, ":");
	const char *have = domains_of(file, line, len), *want = line + len + (line[len] == ':');
	unsigned long id, value, other, present;

	if (!have || !*want)
		return false;
	while (next_domain(&want, &id, &value)) {
		const char *at = have;
		bool found = false;

		while (!found && next_domain(&at, &other, &present))
			found = other == id && present == value;
		if (!found)
			return false;
	}
	return *want == '\0' || *want == ' ';
}
