/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the description of a handler, and as what its loader says of its libraries. */
#include "src/base/json_text.h"
#include "src/host/handler.h"
#include "tests/fuzz/expect.h"

#include <string.h>

static void try_description(struct arena *arena, const char *text, size_t len)
{
	struct handler_doc doc = { 0 };
	struct err err = { 0 };
	int r = handler_doc_read(arena, "x.json", text, len, &doc, &err);
	size_t words = 0;

	expect_error(r, &err);
	expect(json_text_find_bad_utf8(err.text, strlen(err.text)) == strlen(err.text));
	if (r < 0)
		return;
	expect(doc.program && *doc.program && doc.exec);
	for (size_t i = 0; i < doc.args.n; i++)
		words += strcmp(doc.args.v[i], "{args}") == 0;
	expect(words == 1);
	for (size_t i = 0; i < doc.mounts.n; i++)
		expect(doc.mounts.v[i].source[0] == '/' && doc.mounts.v[i].destination[0] == '/');
}

static void try_list(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_strndup(arena, text, strnlen(text, len));
	struct handler_file *v = NULL;
	struct err err = { 0 };
	size_t n = 0;
	int r = handler_parse_list(arena, copy, &v, &n, &err);

	expect_error(r, &err);
	for (size_t i = 0; r == 0 && i < n; i++)
		expect(v[i].source[0] == '/' && !strchr(v[i].name, '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };

	try_description(&arena, (const char *)data, size);
	try_list(&arena, (const char *)data, size);
	arena_free(&arena);
	return 0;
}
