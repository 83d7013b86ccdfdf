/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/check_parts.h"

#include "src/base/json_text.h"
#include "src/base/str.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void check_at(struct check *check, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	(void)snprintf(check->path, sizeof(check->path), "%s%s", check->prefix,
		       *check->prefix ? "." : "");
	len = strlen(check->path);
	va_start(ap, fmt);
	(void)vsnprintf(check->path + len, sizeof(check->path) - len, fmt, ap);
	va_end(ap);
}

void check_at_key(struct check *check, const char *map, const char *key)
{
	char shown[JSON_TEXT_QUOTE], escaped[2 * JSON_TEXT_QUOTE];
	size_t n = 0;

	(void)json_text_shorten(shown, sizeof(shown), key, strlen(key));
	if (*key && key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-")] == '\0') {
		check_at(check, "%s.%s", map, shown);
		return;
	}
	for (const char *c = shown; *c; c++) {
		if (*c == '"' || *c == '\\')
			escaped[n++] = '\\';
		escaped[n++] = *c;
	}
	escaped[n] = '\0';
	check_at(check, "%s[\"%s\"]", map, escaped);
}

/* Locates the path or, if it is not in the text, the nearest enclosing object. */
static bool locate(const struct check *check, size_t *ret_line, size_t *ret_column)
{
	char path[sizeof(check->path)];
	size_t len;

	if (!check->text)
		return false;
	memcpy(path, check->path, sizeof(path));
	for (;;) {
		if (json_read_locate(check->text, check->len, path, ret_line, ret_column))
			return true;
		len = strlen(path);
		if (len == 0)
			return false;
		while (len > 0 && path[len] != '.' && path[len] != '[')
			len--;
		path[len] = '\0';
	}
}

int check_fail(struct check *check, const char *fmt, ...)
{
	_cleanup_str_ struct str text = { 0 };
	char rule[512];
	size_t line, column;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(rule, sizeof(rule), fmt, ap);
	va_end(ap);
	if (!check->file)
		return err_set(check->err, EINVAL, ERR_AT "%s: %s", check->path, rule);
	str_addf(&text, "%s:", check->file);
	if (locate(check, &line, &column))
		str_addf(&text, "%zu:%zu:", line, column);
	if (*check->path)
		str_addf(&text, " %s:", check->path);
	return err_set(check->err, EINVAL, "%s %s", text.s, rule);
}

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " ");
}

/* Skips a number of up to six digits and the spaces after it; NULL if there is none. */
static const char *list_number(const char *p, unsigned long *ret)
{
	const char *end = p;

	for (*ret = 0; isdigit((unsigned char)*end) && end - p <= 6; end++)
		*ret = *ret * 10 + (unsigned long)(*end - '0');
	return end == p || end - p > 6 ? NULL : skip_blanks(end);
}

static bool list_is_valid(const char *p)
{
	unsigned long first, last;

	p = skip_blanks(p);
	if (!*p)
		return true;
	for (;;) {
		p = list_number(p, &first);
		if (p && *p == '-') {
			p = list_number(skip_blanks(p + 1), &last);
			if (p && last < first)
				return false;
		}
		if (!p || (*p && *p != ','))
			return false;
		if (!*p)
			return true;
		p = skip_blanks(p + 1);
	}
}

int check_list(struct check *check, const char *list)
{
	char shown[JSON_TEXT_QUOTE];

	if (list_is_valid(list))
		return 0;
	return check_fail(check, "expected a list of numbers and ranges such as 0-3,7, got %s",
			  json_text_quote(shown, list));
}

/* setresuid(-1) and chown(-1) change nothing: a container asked to run as that id would stay
 * root. */
int check_id(struct check *check, uint64_t id)
{
	if (id < UINT32_MAX)
		return 0;
	return check_fail(check,
			  "expected at most 4294967294, got %" PRIu64
			  ", which means \"no change\" to the kernel",
			  id);
}

static int check_mapping_entries(struct check *check, const char *where, const char *which,
				 const oci_id_mappings *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct oci_id_mapping *m = &list->v[i];
		uint64_t first =
			m->container_id.v > m->host_id.v ? m->container_id.v : m->host_id.v;
		int r;

		check_at(check, "%s%s[%zu].containerID", where, which, i);
		r = check_id(check, m->container_id.v);
		if (r < 0)
			return r;
		check_at(check, "%s%s[%zu].hostID", where, which, i);
		r = check_id(check, m->host_id.v);
		if (r < 0)
			return r;
		check_at(check, "%s%s[%zu].size", where, which, i);
		if (m->size.v == 0)
			return check_fail(check, "expected at least one id, got 0");
		if (first + m->size.v > UINT32_MAX) {
			return check_fail(check,
					  "%" PRIu64 " ids from %" PRIu64
					  " on go beyond the largest id, 4294967294",
					  m->size.v, first);
		}
	}
	return 0;
}

int check_mappings(struct check *check, const char *where, const oci_id_mappings *uid,
		   const oci_id_mappings *gid)
{
	int r;

	if ((uid->n == 0) != (gid->n == 0)) {
		const char *there = uid->n ? "uidMappings" : "gidMappings";
		const char *missing = uid->n ? "gidMappings" : "uidMappings";

		check_at(check, "%s%s", where, there);
		return check_fail(check, "given without %s; the two belong together", missing);
	}
	r = check_mapping_entries(check, where, "uidMappings", uid);
	return r < 0 ? r : check_mapping_entries(check, where, "gidMappings", gid);
}

int check_namespaces_listed(const struct oci_linux *lin)
{
	int flags = 0;

	for (size_t i = 0; i < lin->namespaces.n; i++)
		flags |= lin->namespaces.v[i].type;
	return flags;
}

int check_namespaces_new(const struct oci_linux *lin)
{
	int flags = 0;

	for (size_t i = 0; i < lin->namespaces.n; i++)
		if (!lin->namespaces.v[i].path)
			flags |= lin->namespaces.v[i].type;
	return flags;
}
