/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as config.json, process.json, resources and seccomp profile: decoded and checked. What
 * must hold besides "no crash": an error has a text without control characters, and its place
 * exists. */
#include "src/base/json_text.h"
#include "src/oci/check.h"
#include "src/oci/decode.h"
#include "tests/fuzz/expect.h"
#include "tests/lib/profile.h"

#include <string.h>

static void check_error(int r, const struct err *err)
{
	size_t len = strlen(err->text);

	expect_error(r, err);
	expect(r == 0 || json_text_find_bad_utf8(err->text, len) == len);
}

static void try_config(struct arena *arena, const char *text, size_t len)
{
	const struct oci_config *config = NULL;
	struct err err = { 0 };
	int r = decode_config(arena, "config.json", text, len, &config, &err);

	check_error(r, &err);
	if (r < 0)
		return;
	expect(config && config->oci_version && config->root);
	check_error(check_config(config, "config.json", text, len, &err), &err);
}

static void try_parts(struct arena *arena, const char *text, size_t len)
{
	const struct oci_process *process = NULL;
	const struct oci_resources *resources = NULL;
	const struct oci_seccomp *seccomp = NULL;
	struct err err = { 0 };
	int r = decode_process(arena, "process.json", text, len, &process, &err);

	if (r == 0)
		r = check_process(process, "process.json", "", text, len, &err);
	check_error(r, &err);
	r = decode_resources(arena, "-", text, len, &resources, &err);
	if (r == 0)
		r = check_resources(resources, "-", "", text, len, &err);
	check_error(r, &err);
	check_error(profile_decode(arena, arena_strndup(arena, text, len), &seccomp, &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };

	try_config(&arena, (const char *)data, size);
	try_parts(&arena, (const char *)data, size);
	arena_free(&arena);
	return 0;
}
