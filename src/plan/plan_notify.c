/* SPDX-License-Identifier: Apache-2.0 */
/* A service manager waits for "READY=1" of the program, but its socket is out of reach in the container: the
 * program gets a socket of ours in its place, in a directory at the path of the manager's. The config is
 * given a mount and a variable more. An engine that cares for this itself has set the variable. */
#include "src/plan/plan_parts.h"

#include "src/base/str.h"

static const char *place_of(const struct plan_options *options)
{
	/* An abstract name is no path. */
	return *options->notify_socket == '/' ? options->notify_socket : "/run/notify";
}

void plan_notify_build(struct plan_build *b)
{
	static const char *options[] = { "bind", "ro", "nosuid", "nodev", "noexec" };
	const struct plan_options *o = b->plan->options;
	const struct oci_process *process = b->plan->config->process;
	struct oci_config *config;
	struct oci_process *changed;
	struct oci_mount *mounts;
	const char **env;

	if (!o->notify_dir || !process ||
	    str_env_find(process->env.v, process->env.n, "NOTIFY_SOCKET"))
		return;
	config = arena_new(b->arena, struct oci_config);
	changed = arena_new(b->arena, struct oci_process);
	*config = *b->plan->config;
	*changed = *process;
	mounts = arena_grow(b->arena, config->mounts.v, config->mounts.n, config->mounts.n + 1,
			    sizeof(*mounts));
	mounts[config->mounts.n] = (struct oci_mount){ .destination = place_of(o),
						       .type = "bind",
						       .source = o->notify_dir };
	mounts[config->mounts.n].options.v = options;
	mounts[config->mounts.n].options.n = sizeof(options) / sizeof(options[0]);
	config->mounts.v = mounts;
	config->mounts.n++;
	env = arena_grow(b->arena, process->env.v, process->env.n, process->env.n + 1,
			 sizeof(*env));
	env[process->env.n] = arena_strf(b->arena, "NOTIFY_SOCKET=%s/notify", place_of(o));
	changed->env.v = env;
	changed->env.n++;
	config->process = changed;
	b->plan->config = config;
	b->plan->notify = true;
}
