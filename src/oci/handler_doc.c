/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/handler_doc.h"

#include "src/base/path.h"
#include "src/base/str.h"
#include "src/oci/names.h"

#include <stddef.h>
#include <string.h>

#define AT(structure, member) offsetof(struct structure, member)
#define TYPE(structure, table)                                                                     \
	{                                                                                          \
		table, sizeof(table) / sizeof((table)[0]), sizeof(struct structure)                \
	}

static const struct json_name execs[] = {
	{ "same", HANDLER_EXEC_SAME },
	{ "plain", HANDLER_EXEC_PLAIN },
	{ "refuse", HANDLER_EXEC_REFUSE },
	{ "", 0 },
};

static const struct json_field mount_fields[] = {
	{ "source", JSON_STRING, JSON_REQUIRED | JSON_ABSOLUTE, AT(handler_mount, source) },
	{ "destination", JSON_STRING, JSON_REQUIRED | JSON_ABSOLUTE,
	  AT(handler_mount, destination) },
	{ "optional", JSON_BOOL, 0, AT(handler_mount, optional) },
};
static const struct json_type mount_type = TYPE(handler_mount, mount_fields);

static const struct json_field device_fields[] = {
	{ "path", JSON_STRING, JSON_REQUIRED | JSON_ABSOLUTE, AT(handler_device, path) },
	{ "type", JSON_STRING, JSON_REQUIRED, AT(handler_device, type) },
	{ "major", JSON_INT, JSON_REQUIRED, AT(handler_device, major), JSON_RANGE(.imax = 4095) },
	{ "minor", JSON_INT, JSON_REQUIRED, AT(handler_device, minor),
	  JSON_RANGE(.imax = 1048575) },
	{ "fileMode", JSON_UINT, 0, AT(handler_device, file_mode), JSON_RANGE(.umax = 0777) },
	{ "access", JSON_STRING, 0, AT(handler_device, access) },
};
static const struct json_type device_type = TYPE(handler_device, device_fields);

static const struct json_field limit_fields[] = {
	{ "type", JSON_ENUM, JSON_REQUIRED, AT(handler_limit, type), .names = names_rlimits },
	{ "min", JSON_UINT, JSON_REQUIRED, AT(handler_limit, min), JSON_RANGE(.umax = UINT64_MAX) },
};
static const struct json_type limit_type = TYPE(handler_limit, limit_fields);

static const struct json_field doc_fields[] = {
	{ "program", JSON_STRING, JSON_REQUIRED | JSON_NOT_EMPTY, AT(handler_doc, program) },
	{ "package", JSON_STRING, JSON_NOT_EMPTY, AT(handler_doc, package) },
	{ "suffixes", JSON_STRINGS, 0, AT(handler_doc, suffixes) },
	{ "args", JSON_STRINGS, JSON_NOT_EMPTY, AT(handler_doc, args) },
	{ "env", JSON_STRINGS, 0, AT(handler_doc, env) },
	{ "files", JSON_STRINGS, JSON_ABSOLUTE, AT(handler_doc, files) },
	{ "mounts", JSON_OBJECTS, 0, AT(handler_doc, mounts), .type = &mount_type },
	{ "devices", JSON_OBJECTS, 0, AT(handler_doc, devices), .type = &device_type },
	{ "seccomp", JSON_STRINGS, 0, AT(handler_doc, seccomp) },
	{ "limits", JSON_OBJECTS, 0, AT(handler_doc, limits), .type = &limit_type },
	{ "configFile", JSON_STRING, JSON_ABSOLUTE, AT(handler_doc, config_file) },
	{ "exec", JSON_ENUM, 0, AT(handler_doc, exec), .names = execs },
};
static const struct json_type doc_type = TYPE(handler_doc, doc_fields);

bool handler_doc_is_name(const char *name)
{
	static const char chars[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-.";
	size_t len = strlen(name);

	return len && len <= HANDLER_DOC_MAX_NAME && strspn(name, chars) == len &&
	       !strchr("+-.0123456789", *name);
}

bool handler_doc_takes(const char *const *suffixes, size_t n, const char *program)
{
	for (size_t i = 0; i < n; i++)
		if (str_ends(program, suffixes[i]))
			return true;
	return false;
}

static int check_words(const struct handler_doc *doc, const char *file, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < doc->args.n; i++) {
		bool args = str_equal(doc->args.v[i], "{args}");

		n += args;
		if (!args && *doc->args.v[i] == '{')
			return err_set(err, EINVAL,
				       "%s: args[%zu]: expected a word or {args}, got \"%s\"", file,
				       i, doc->args.v[i]);
	}
	if (n != 1)
		return err_set(err, EINVAL, "%s: args: expected {args} once, got it %zu times",
			       file, n);
	for (size_t i = 0; i < doc->suffixes.n; i++)
		if (doc->suffixes.v[i][0] != '.' || !doc->suffixes.v[i][1])
			return err_set(err, EINVAL,
				       "%s: suffixes[%zu]: expected a dot and more, got \"%s\"",
				       file, i, doc->suffixes.v[i]);
	for (size_t i = 0; i < doc->env.n; i++)
		if (!*doc->env.v[i] || strchr(doc->env.v[i], '='))
			return err_set(err, EINVAL,
				       "%s: env[%zu]: expected the name of a variable, got \"%s\"",
				       file, i, doc->env.v[i]);
	return 0;
}

static int check_places(const struct handler_doc *doc, const char *file, struct err *err)
{
	for (size_t i = 0; i < doc->mounts.n; i++)
		if (path_has_dotdot(doc->mounts.v[i].destination) ||
		    !doc->mounts.v[i].destination[1])
			return err_set(err, EINVAL,
				       "%s: mounts[%zu].destination: expected a path without .., "
				       "got \"%s\"",
				       file, i, doc->mounts.v[i].destination);
	for (size_t i = 0; i < doc->devices.n; i++) {
		const struct handler_device *d = &doc->devices.v[i];
		const char *access = d->access ? d->access : "rwm";

		if (!str_equal(d->type, "c") && !str_equal(d->type, "b"))
			return err_set(err, EINVAL,
				       "%s: devices[%zu].type: expected c or b, got \"%s\"", file,
				       i, d->type);
		if (!*access || strspn(access, "rwm") != strlen(access))
			return err_set(err, EINVAL,
				       "%s: devices[%zu].access: expected some of rwm, got \"%s\"",
				       file, i, access);
	}
	for (size_t i = 0; i < doc->files.n; i++)
		if (!*path_base(doc->files.v[i]))
			return err_set(err, EINVAL, "%s: files[%zu]: expected a file, got \"%s\"",
				       file, i, doc->files.v[i]);
	return 0;
}

static void keep_first(void *data, const char *text)
{
	struct str *first = data;

	if (!first->len)
		str_add(first, text);
}

/* The reader's message is for documents in which an unknown member is harmless. */
static int refuse_unknown(const char *text, struct err *err)
{
	static const char ignored[] = ", ignored";
	const char *end = strstr(text, ignored);

	return err_set(err, EINVAL, "%.*s%s", (int)(end ? (size_t)(end - text) : strlen(text)),
		       text, end ? end + sizeof(ignored) - 1 : "");
}

int handler_doc_read(struct arena *arena, const char *file, const char *text, size_t len,
		     struct handler_doc *ret, struct err *err)
{
	static const char *const all[] = { "{args}" };
	_cleanup_str_ struct str unknown = { 0 };
	const struct json_limits limits = {
		.depth = 8, .string = 4096, .unknown = keep_first, .data = &unknown
	};
	struct handler_doc doc = { 0 };
	int r = json_read(arena, file, text, len, &doc_type, &limits, &doc, err);

	if (r == 0 && unknown.len)
		r = refuse_unknown(unknown.s, err);
	if (r < 0)
		return r;
	if (!doc.exec)
		doc.exec = HANDLER_EXEC_SAME;
	if (!doc.args.v) {
		doc.args.v = (const char **)(uintptr_t)all;
		doc.args.n = 1;
	}
	r = check_words(&doc, file, err);
	if (r == 0)
		r = check_places(&doc, file, err);
	if (r == 0)
		*ret = doc;
	return r;
}

static const struct json_field kept_fields[] = {
	{ "name", JSON_STRING, JSON_REQUIRED, AT(handler_kept, name) },
	{ "exec", JSON_ENUM, JSON_REQUIRED, AT(handler_kept, exec), .names = execs },
	{ "suffixes", JSON_STRINGS, 0, AT(handler_kept, suffixes) },
	{ "command", JSON_STRINGS, JSON_REQUIRED | JSON_NOT_EMPTY, AT(handler_kept, command) },
	{ "env", JSON_STRINGS, 0, AT(handler_kept, env) },
	{ "seccomp", JSON_STRINGS, 0, AT(handler_kept, seccomp) },
};
const struct json_type handler_doc_kept_type = TYPE(handler_kept, kept_fields);

void handler_doc_write_kept(struct json_write *w, const char *key, const struct handler_kept *kept)
{
	json_write_object(w, key);
	json_write_string(w, "name", kept->name);
	json_write_string(w, "exec", json_read_enum_name(execs, kept->exec));
	json_write_strings(w, "suffixes", kept->suffixes.v, kept->suffixes.n);
	json_write_strings(w, "command", kept->command.v, kept->command.n);
	json_write_strings(w, "env", kept->env.v, kept->env.n);
	json_write_strings(w, "seccomp", kept->seccomp.v, kept->seccomp.n);
	json_write_end(w);
}
