/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/check.h"

#include "src/base/json_text.h"
#include "src/base/str.h"
#include "src/oci/annotations.h"
#include "src/oci/check_parts.h"

#include <ctype.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>

enum { MAX_HOST_NAME = 64 }; /* __NEW_UTS_LEN of the kernel */

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

/* The place of the path or, where that is not in the text, of the nearest object around it. */
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

/* A number of at most six digits and the blanks behind it; NULL where there is none. */
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
	return check_fail(check, "expected a list of numbers and ranges like 0-3,7, got %s",
			  json_text_quote(shown, list));
}

/* setresuid(-1) and chown(-1) change nothing: a container asked to run as that id would stay root. */
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

/* A number of SemVer: no leading zero. */
static const char *version_number(const char *p)
{
	if (!isdigit((unsigned char)*p) || (*p == '0' && isdigit((unsigned char)p[1])))
		return NULL;
	while (isdigit((unsigned char)*p))
		p++;
	return p;
}

/* What follows "-" or "+": words of letters, digits and "-", separated by dots; those of digits alone
 * have no leading zero in front of a "+". */
static const char *version_words(const char *p, bool strict)
{
	do {
		const char *word = p;
		bool digits = true;

		for (; isalnum((unsigned char)*p) || *p == '-'; p++)
			digits = digits && isdigit((unsigned char)*p);
		if (p == word || (strict && digits && *word == '0' && p - word > 1))
			return NULL;
	} while (*p++ == '.');
	return p - 1;
}

static bool is_semver(const char *version)
{
	const char *p = version_number(version);

	for (int i = 0; i < 2 && p; i++)
		p = *p == '.' ? version_number(p + 1) : NULL;
	if (p && *p == '-')
		p = version_words(p + 1, true);
	if (p && *p == '+')
		p = version_words(p + 1, false);
	return p && *p == '\0';
}

static int check_version(struct check *check, const char *version)
{
	char shown[JSON_TEXT_QUOTE];

	check_at(check, "ociVersion");
	if (!version)
		return check_fail(check, "required, but not there");
	if (!is_semver(version))
		return check_fail(check, "expected a version like 1.3.0, got %s",
				  json_text_quote(shown, version));
	if (!str_starts(version, "1.")) {
		return check_fail(check,
				  "this version of the specification is not known, expected "
				  "1.x, got %s",
				  json_text_quote(shown, version));
	}
	return 0;
}

static int check_host_name(struct check *check, const struct oci_config *config, const char *member,
			   const char *name)
{
	/* "" is what Go programs write for "not set" */
	if (!name || !*name)
		return 0;
	check_at(check, "%s", member);
	if (strlen(name) > MAX_HOST_NAME)
		return check_fail(check, "expected at most %d bytes, got %zu", MAX_HOST_NAME,
				  strlen(name));
	if (config->linux_ && check_namespaces_listed(config->linux_) & CLONE_NEWUTS)
		return 0;
	(void)check_fail(check, "needs a uts namespace of the container, or the host's own name "
				"would change");
	err_hint(check->err, "add { \"type\": \"uts\" } to linux.namespaces, or remove %s", member);
	return -EINVAL;
}

static int check_mounts(struct check *check, const struct oci_config *config)
{
	char where[48];
	int r = 0;

	for (size_t i = 0; i < config->mounts.n && r == 0; i++) {
		const struct oci_mount *m = &config->mounts.v[i];

		(void)snprintf(where, sizeof(where), "mounts[%zu].", i);
		r = check_mappings(check, where, &m->uid_mappings, &m->gid_mappings);
	}
	return r;
}

static int check_hook_list(struct check *check, const char *point, const oci_hook_list *hooks)
{
	char shown[JSON_TEXT_QUOTE];

	for (size_t i = 0; i < hooks->n; i++) {
		const struct oci_hook *hook = &hooks->v[i];

		for (size_t j = 0; j < hook->env.n; j++) {
			if (strchr(hook->env.v[j], '=') && hook->env.v[j][0] != '=')
				continue;
			check_at(check, "hooks.%s[%zu].env[%zu]", point, i, j);
			return check_fail(check, "expected NAME=value, got %s",
					  json_text_quote(shown, hook->env.v[j]));
		}
	}
	return 0;
}

static int check_hooks(struct check *check, const struct oci_hooks *hooks)
{
	const struct {
		const char *name;
		const oci_hook_list *list;
	} points[] = {
		{ "prestart", &hooks->prestart },
		{ "createRuntime", &hooks->create_runtime },
		{ "createContainer", &hooks->create_container },
		{ "startContainer", &hooks->start_container },
		{ "poststart", &hooks->poststart },
		{ "poststop", &hooks->poststop },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]) && r == 0; i++)
		r = check_hook_list(check, points[i].name, points[i].list);
	return r;
}

int check_process(const struct oci_process *process, const char *file, const char *path,
		  const char *text, size_t len, struct err *err)
{
	struct check check = { .file = file, .text = text, .len = len, .err = err, .prefix = path };

	return check_process_part(&check, process);
}

int check_resources(const struct oci_resources *resources, const char *file, const char *path,
		    const char *text, size_t len, struct err *err)
{
	struct check check = { .file = file, .text = text, .len = len, .err = err, .prefix = path };

	return check_resources_part(&check, resources);
}

int check_config(const struct oci_config *config, const char *file, const char *text, size_t len,
		 struct err *err)
{
	struct check check = { .file = file, .text = text, .len = len, .err = err, .prefix = "" };
	int r = check_version(&check, config->oci_version);

	if (r < 0)
		return r;
	check_at(&check, "root.path");
	if (!config->root || !config->root->path || !*config->root->path)
		return check_fail(&check, "required, but not there");
	r = check_host_name(&check, config, "hostname", config->hostname);
	if (r == 0)
		r = check_host_name(&check, config, "domainname", config->domainname);
	if (r == 0)
		r = check_mounts(&check, config);
	if (r == 0 && config->hooks)
		r = check_hooks(&check, config->hooks);
	if (r == 0 && config->process)
		r = check_process(config->process, file, "process", text, len, err);
	if (r == 0 && config->linux_)
		r = check_linux(&check, config->linux_);
	if (r == 0 && config->linux_ && config->linux_->seccomp)
		r = check_seccomp(&check, config->linux_->seccomp,
				  annotations_find(config->annotations.v, config->annotations.n,
						   ANNOTATIONS_SECCOMP_RECEIVER));
	return r;
}
