/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what usrun reads of files that others make: programs of an image, settings of
 * engines, addresses of D-Bus, variables of --env-file, the documents of `mounts add`,
 * `explain --facts` and `explain --timing`, schemata of resctrl; and as what a program writes to its terminal. What must hold besides "no crash": texts
 * are within what was given, and an error is one. */
#include "src/base/elf.h"
#include "src/base/json_text.h"
#include "src/base/json_write.h"
#include "src/do/do.h"
#include "src/doctor/doctor_toml.h"
#include "src/host/facts.h"
#include "src/oci/decode.h"
#include "src/oci/rdt.h"
#include "src/run/query.h"
#include "src/run/trace.h"
#include "src/sys/dbus_address.h"
#include "tests/fuzz/expect.h"

enum { COLUMNS = 80 };

static void try_program(const uint8_t *data, size_t size)
{
	const char *head = (const char *)data, *loader = elf_loader(head, size);

	(void)elf_machine(head, size);
	expect(!loader || (loader >= head && memchr(loader, '\0', size - (size_t)(loader - head))));
}

static void see_setting(void *data, const struct doctor_toml_value *v)
{
	const char *const *text = data;

	expect(v->key && v->value && v->raw && strstr(*text, v->raw));
	expect(!v->n_list || v->value == v->list[0]);
}

static void try_settings(struct arena *arena, const char *text)
{
	doctor_toml_read(arena, text, see_setting, &text);
}

/* The address of a path that was read is read as that path. */
static void try_addresses(struct arena *arena, const char *text)
{
	const char *path, *again;

	while (dbus_address_next(arena, &text, &path) == 1) {
		const char *one = path && *path ? dbus_address_of(arena, path) : "";

		expect(!*one || (dbus_address_next(arena, &one, &again) == 1 && !*one &&
				 str_equal(path, again)));
	}
}

static void try_documents(struct arena *arena, const char *text, size_t len)
{
	const struct oci_config *mounts = NULL;
	struct err err = { 0 };
	struct str bars = { 0 };
	int r = decode_mounts(arena, text, len, &mounts, &err);

	expect_error(r, &err);
	expect(r < 0 || mounts);
	expect_error(trace_bars(arena, "trace.json", text, len, COLUMNS, &bars, &err), &err);
	str_done(&bars);
}

/* What was read can be written, and is read again. */
static void try_facts(struct arena *arena, const char *text, size_t len)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(false);
	struct facts facts, again;
	struct err err = { 0 };
	int r = facts_json_read(arena, "facts.json", text, len, &facts, &err);

	expect_error(r, &err);
	if (r < 0)
		return;
	facts_json_write(w, &facts);
	text = json_write_text(w, &len, &err);
	expect(text && facts_json_read(arena, "facts.json", text, len, &again, &err) == 0);
	expect(again.parts == facts.parts && again.caller.uid == facts.caller.uid);
}

static void try_variables(struct arena *arena, const char *text, size_t len)
{
	static const char *const environ[] = { "A=b", "NAME=of the caller", NULL };
	const char *words[] = { arena_strf(arena, "env-file=%s", text) };
	struct do_texts list;
	struct err err = { 0 };
	int r = do_env_file_check("file", text, len, &err);

	expect_error(r, &err);
	if (r < 0)
		return;
	list = do_env(arena, true, environ, words, 1);
	for (size_t i = 0; i < list.n; i++) /* each with a name, and on one line */
		expect(list.v[i][0] != '=' && strchr(list.v[i], '=') && !strchr(list.v[i], '\n'));
}

/* The same text in two reads, cut anywhere: what is a query is none of the output. */
static void try_terminal(const uint8_t *data, size_t size)
{
	char text[QUERY_HELD + 256];
	struct query query = { 0 };

	for (size_t at = 0; at < size;) {
		size_t n = size - at < 256 ? size - at : 256, held = query_resume(&query, text);

		expect(held <= QUERY_HELD);
		memcpy(text + held, data + at, n);
		expect(query_drop(&query, text, held + n) <= held + n);
		at += n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	const char *text = arena_strndup(&arena, (const char *)data, size);

	try_program(data, size);
	try_settings(&arena, text);
	try_addresses(&arena, text);
	try_documents(&arena, text, strlen(text));
	try_facts(&arena, text, strlen(text));
	try_variables(&arena, text, size);
	(void)rdt_has_line(text, "L3:0=7f0;1=1f");
	(void)rdt_has_line("    L3:0=7f0;1=1f\nMB:0=100\n", text);
	try_terminal(data, size);
	arena_free(&arena);
	return 0;
}
