/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an answer of CRIU, as its log, and as the mounts of a container. */
#include "src/criu/report.h"
#include "src/criu/rpc.h"
#include "src/plan/plan_criu.h"
#include "tests/fuzz/expect.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	const char *text = arena_strndup(&arena, (const char *)data, size);
	static const struct oci_config nothing;
	struct rpc_opts opts = RPC_OPTS_NONE;
	struct rpc_response response;
	char errors[300];
	bool null;

	if (rpc_decode(data, size, &response) == 0) {
		expect(response.type && response.pid >= 0 && response.error >= 0);
		expect(strlen(response.script) < sizeof(response.script));
		expect(strlen(response.message) < sizeof(response.message));
	}
	report_errors(text, errors, sizeof(errors));
	expect(strlen(errors) < sizeof(errors));
	(void)report_hint(text);
	plan_criu_dump_mounts(&arena, &nothing, NULL, text, &opts);
	for (size_t i = 0; i < opts.n_mounts; i++)
		expect(opts.mounts[i].key && opts.mounts[i].value);
	(void)plan_criu_stream_key(&arena, text, &null);
	arena_free(&arena);
	return 0;
}
