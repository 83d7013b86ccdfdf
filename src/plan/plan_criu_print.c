/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan_criu.h"
#include "src/plan/plan_print.h"

static void print_options(struct str *out, const struct rpc_opts *opts)
{
	static const char *const locks[] = { [RPC_LOCK_IPTABLES] = "iptables",
					     [RPC_LOCK_NFTABLES] = "nftables",
					     [RPC_LOCK_SKIP] = "nothing" };

	plan_print_addf(out, "  root         %s\n", opts->root ? opts->root : "unknown");
	str_addf(out, "  network      locked by %s\n",
		 opts->network_lock < 0 ? "iptables, else nftables" : locks[opts->network_lock]);
	str_addf(out, "  cgroups      %s\n",
		 opts->manage_cgroups ? "also those below the container's" : "left to usrun");
	plan_print_addf(out, "  config file  %s\n", opts->config_file ? opts->config_file : "none");
}

static void print_mounts(struct str *out, const struct rpc_opts *opts, const char *title,
			 const char *arrow)
{
	if (opts->n_mounts)
		plan_print_addf(out, "  %s\n", title);
	for (size_t i = 0; i < opts->n_mounts; i++)
		plan_print_addf(out, "    %-16s %s %s\n", opts->mounts[i].key, arrow,
				opts->mounts[i].value);
}

static const char *words_of(const struct plan_criu_stream *stream)
{
	if (str_starts(stream->text, "pipe:"))
		return "a pipe of whoever restores it";
	if (stream->inode)
		return str_equal(stream->text, "/dev/null") ? "the host's null device"
							    : "the same file of the host";
	return "the container's own, or unknown";
}

void plan_criu_print_dump(struct str *out, const struct rpc_opts *opts,
			  const struct plan_criu_stream *streams, size_t n, const char *strays)
{
	str_addf(out, "checkpoint  of process %d and those below it, by CRIU\n", opts->pid);
	print_options(out, opts);
	if (opts->freezer)
		plan_print_addf(out, "  frozen       %s, and stays so\n", opts->freezer);
	print_mounts(out, opts, "mounts that are not saved, and their names for a restore", "as");
	if (opts->n_external)
		str_add(out, "  outside the container\n");
	for (size_t i = 0; i < opts->n_external; i++)
		plan_print_addf(out, "    %s\n", opts->external[i]);
	if (strays)
		plan_print_addf(out, "  not saved, as exec started them: %s\n", strays);
	str_add(out, "  standard streams after a restore\n");
	for (size_t i = 0; i < n && i < PLAN_CRIU_STREAMS; i++)
		plan_print_addf(out, "    %zu %s: %s\n", i, streams[i].text, words_of(&streams[i]));
}

void plan_criu_print_restore(struct str *out, const struct rpc_opts *opts)
{
	str_add(out,
		"restore     by CRIU, which makes the processes, namespaces and other mounts\n");
	print_options(out, opts);
	print_mounts(out, opts, "mounts that are made anew, by their names", "from");
}
