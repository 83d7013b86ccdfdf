/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/decide.h"

#include "src/base/io.h"
#include "src/host/facts.h"
#include "src/oci/check.h"
#include "src/oci/decode.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

/* What an engine asks for: it gives a socket where there is a terminal to be had. */
static const struct plan_options *options_for(struct arena *arena,
					      const struct oci_process *process)
{
	struct plan_options *options = arena_new(arena, struct plan_options);

	*options = (struct plan_options){
		.id = "ID", .bundle = "/bundle", .wait_start = true, .detach = true
	};
	if (process && process->terminal.v)
		options->console_socket = "/run/console";
	return options;
}

/* What such a container has of its own. */
static const char *const namespaces[] = { "pid", "mount", "ipc", "uts", "user" };

void decide_read_facts(struct arena *arena, const char *path, struct facts *ret)
{
	struct err err;
	size_t len;
	char *text;

	if (io_read_file(AT_FDCWD, path, 1 << 20, arena, &text, &len, &err) == 0 &&
	    facts_json_read(arena, path, text, len, ret, &err) == 0)
		return;
	(void)fprintf(stderr, "%s\n", err.text);
	exit(1);
}

int decide_create(struct arena *arena, const struct facts *facts, const char *text, size_t len,
		  const struct plan **ret, struct err *err)
{
	const struct oci_config *config;
	int r = decode_config(arena, "config.json", text, len, &config, err);

	if (r == 0)
		r = check_config(config, "config.json", text, len, err);
	if (r < 0)
		return r;
	return plan_build(arena, config, facts, options_for(arena, config->process), ret, err);
}

int decide_exec(struct arena *arena, const struct plan *plan, const struct plan **ret,
		struct err *err)
{
	const struct plan_exec_request request = {
		.config = plan->config,
		.process = plan->config->process,
		.facts = plan->facts,
		.options = plan->options,
		.namespaces = namespaces,
		.n_namespaces = sizeof(namespaces) / sizeof(namespaces[0]),
		.has_cgroup = plan->flags & PLAN_CGROUP,
		.has_unit = plan->flags & PLAN_CGROUP_UNIT,
	};

	return plan_exec_build(arena, &request, ret, err);
}
