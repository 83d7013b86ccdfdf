/* SPDX-License-Identifier: Apache-2.0 */
#include "src/steps/run.h"

#include "src/base/log.h"
#include "src/base/str.h"

#include <stdio.h>

static int *descriptors(struct arena *arena, size_t n)
{
	int *v = arena_array(arena, n + 1, sizeof(*v));

	for (size_t i = 0; i <= n; i++)
		v[i] = -1;
	return v;
}

void run_init(struct run *run, const struct plan *plan, struct arena *arena)
{
	*run = (struct run){
		.plan = plan,
		.arena = arena,
		.state_dir = -1,
		.stager = CHILD_NONE,
		.init = CHILD_NONE,
		.seccomp_pair = { -1, -1 },
		.console_socket = -1,
		.start_listener = -1,
		.target_pidfd = -1,
		.rootfs = -1,
		.netns_socket = -1,
		.notify_listener = -1,
		.hooks_output = { .out = -1, .err = -1 },
		.net = { .here = -1, .there = -1 },
		.procfs = -1,
		.console_master = -1,
		.console_slave = -1,
		.start_connection = -1,
	};
	run->cgroup_place = plan->cgroup.place;
	for (int kind = 0; kind < PLAN_NS_COUNT; kind++)
		run->ns_fds[kind] = -1;
	run->mounts = descriptors(arena, plan->rootfs.n_mounts);
	run->idmaps = descriptors(arena, plan->rootfs.n_idmaps);
}

const struct child *run_first(const struct run *run)
{
	return child_is_there(&run->stager) ? &run->stager : &run->init;
}

void run_note(struct run *run, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	va_start(ap, fmt);
	str_line(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_debug("%s", text);
	if (run->n_notes < RUN_MAX_NOTES)
		run->notes[run->n_notes++] = arena_strdup(run->arena, text);
}
