/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan.h"

#include "src/oci/names.h"
#include "src/plan/plan_print.h"
#include "src/plan/powers.h"

#include <string.h>

static void print_container(struct str *out, const struct plan *plan)
{
	const char *separator = "";

	plan_print_addf(out, "container   %s, bundle %s\n", plan->options->id,
			plan->options->bundle);
	str_add(out, "powers      ");
	for (unsigned int bit = 0; powers_name(bit); bit++)
		if (plan->powers & (1u << bit)) {
			plan_print_addf(out, "%s%s", separator, powers_name(bit));
			separator = ", ";
		}
	str_add(out, *separator ? "\n" : "none\n");
}

static void print_kinds(struct str *out, const struct plan *plan, enum ns_action action,
			const char *words)
{
	bool any = false;

	for (int kind = 0; kind < PLAN_NS_COUNT; kind++) {
		if (plan->ns.v[kind].action != action)
			continue;
		if (!any)
			plan_print_addf(out, "  %-12s", words);
		plan_print_addf(out, " %s", names_namespaces[kind].name);
		any = true;
	}
	if (any)
		str_add(out, "\n");
}

static void print_namespaces(struct str *out, const struct plan *plan)
{
	str_add(out, "namespaces\n");
	print_kinds(out, plan, NS_NEW, "new");
	for (int kind = 0; kind < PLAN_NS_COUNT; kind++)
		if (plan->ns.v[kind].action == NS_JOIN)
			plan_print_addf(out, "  joined       %s of %s\n",
					names_namespaces[kind].name, plan->ns.v[kind].path);
	print_kinds(out, plan, NS_KEEP, "the caller's");
	if (plan->ns.why_user)
		plan_print_addf(out, "  user is new because %s\n", plan->ns.why_user);
	plan_print_addf(out, "  %s\n",
			plan->flags & PLAN_STAGER
				? "created and joined by a stager, which then clones init"
				: "created by clone and unshare");
}

static void print_map(struct str *out, const char *kind, const struct idmap *map)
{
	for (size_t i = 0; i < map->n; i++)
		plan_print_addf(out, "  %s %u to %u is host %u to %u\n", kind, map->v[i].inside,
				map->v[i].inside + map->v[i].count - 1, map->v[i].outside,
				map->v[i].outside + map->v[i].count - 1);
}

static void print_ids(struct str *out, const struct plan *plan)
{
	static const char *const writers[] = { "by usrun itself",
					       "by usrun itself, setgroups denied",
					       "by newuidmap and newgidmap" };

	if (!(plan->flags & PLAN_USERNS_NEW))
		return;
	plan_print_addf(out, "id mapping  written %s", writers[plan->idmap.writer]);
	plan_print_why(out, plan->why_idmap);
	print_map(out, "uid", &plan->idmap.uid);
	print_map(out, "gid", &plan->idmap.gid);
}

/* Prints the hierarchies of v1 on one line if they have the same path, as they mostly do. */
static void print_dirs(struct str *out, const struct cgroup_plan *cgroup)
{
	for (size_t i = 0; i < cgroup->place.dirs.n; i++) {
		const char *path = cgroup->place.dirs.v[i].path;

		if (i && str_equal(cgroup->place.dirs.v[i - 1].path, path))
			continue;
		plan_print_addf(out, "  %s in", path);
		for (size_t k = i;
		     k < cgroup->place.dirs.n && str_equal(cgroup->place.dirs.v[k].path, path); k++)
			plan_print_addf(out, " %s", cgroup->place.dirs.v[k].mount);
		str_add(out, "\n");
	}
}

static void print_property(struct str *out, const struct cgroup_property *p)
{
	plan_print_addf(out, "  %s = ", p->name);
	if (*p->type == 'b')
		str_add(out, p->number ? "yes" : "no");
	else if (*p->type == 's')
		plan_print_addf(out, "%s", p->text);
	else if (*p->type == 'd')
		plan_print_addf(out, "%g", p->real);
	else if (*p->type == 'a')
		plan_print_addf(out, "%zu %s", p->n,
				str_equal(p->type, "ay") ? "bytes" : "entries");
	else if (*p->type == 'i' || *p->type == 'x')
		plan_print_addf(out, "%lld", (long long)p->number);
	else if (p->number == UINT64_MAX)
		str_add(out, "infinity");
	else
		plan_print_addf(out, "%llu", (unsigned long long)p->number);
	plan_print_addf(out, "%s%s%s\n", p->from ? "  (" : "", p->from ? p->from : "",
			p->from ? ")" : "");
}

static void print_unit(struct str *out, const struct cgroup_unit *unit)
{
	if (unit->subgroup)
		plan_print_addf(out, "  processes in the group %s inside of it\n", unit->subgroup);
	for (size_t i = 0; i < unit->n_properties; i++)
		print_property(out, &unit->properties[i]);
}

static void print_cgroup(struct str *out, const struct plan *plan)
{
	const struct cgroup_plan *cgroup = &plan->cgroup;
	static const char drivers[][8] = {
		[CGROUP_DRIVER_UNSET] = "none",
		[CGROUP_DRIVER_NONE] = "none",
		[CGROUP_DRIVER_V2] = "v2",
		[CGROUP_DRIVER_V1] = "v1",
	};

	plan_print_addf(out, "cgroup      %s", drivers[cgroup->place.kind]);
	if (cgroup->unit)
		plan_print_addf(out, ", unit %s in %s, made by %s%s", cgroup->unit->ref.name,
				cgroup->unit->slice,
				cgroup->unit->ref.manager == CGROUP_MANAGER_USER
					? "the user's systemd at "
					: "systemd",
				cgroup->unit->ref.manager == CGROUP_MANAGER_USER
					? cgroup->unit->ref.runtime_dir
					: "");
	plan_print_why(out, cgroup->why);
	if (cgroup->unit)
		print_unit(out, cgroup->unit);
	else
		print_dirs(out, cgroup);
	if (cgroup->inside)
		plan_print_addf(out, "  the processes are in the group %s below\n", cgroup->inside);
	if (cgroup->delegate)
		plan_print_addf(out, "  the v2 group is given to %u:%u, the container's root\n",
				cgroup->delegate_uid, cgroup->delegate_gid);
	for (size_t i = 0; i < cgroup->n_writes; i++)
		plan_print_addf(out, "  %s = %s  (%s)\n", cgroup->writes[i].file,
				cgroup->writes[i].value, cgroup->writes[i].json_path);
}

static void print_caps(struct str *out, const char *set, uint64_t mask)
{
	plan_print_addf(out, "  %-12s", set);
	for (int cap = 0; cap < 64; cap++)
		if (mask & (1ULL << cap))
			plan_print_addf(out, " %s",
					names_capability_name(cap) ? names_capability_name(cap)
								   : "?");
	str_add(out, mask ? "\n" : " none\n");
}

static void print_notify(struct str *out, const struct plan *plan)
{
	if (plan->notify)
		plan_print_addf(out, "notify      a socket stands for %s\n",
				plan->options->notify_socket);
}

static void print_rdt(struct str *out, const struct plan *plan)
{
	const struct rdt_plan *rdt = &plan->rdt;

	if (!rdt->group)
		return;
	plan_print_addf(out, "resctrl     group %s%s\n", rdt->group,
			rdt->own ? ", made for it" : "");
	for (size_t i = 0; i < rdt->n_lines; i++)
		plan_print_addf(out, "  %s\n", rdt->lines[i]);
	if (rdt->monitor)
		plan_print_addf(out, "  monitored in %s\n", rdt->monitor);
}

static void print_network(struct str *out, const struct plan *plan)
{
	const struct net_plan *net = &plan->net;

	if (net->kind != NET_UNSET)
		plan_print_addf(out, "network     %s%s%s\n", net_kind_name(net->kind),
				net->text ? " " : "", net->text ? net->text : "");
	for (size_t i = 0; i < net->n_ports; i++)
		plan_print_addf(out, "  %s port %u of the host's %s leads to %u\n",
				net->ports[i].udp ? "udp" : "tcp", net->ports[i].host,
				net->ports[i].ip, net->ports[i].inside);
	if (net_has_device(net->kind))
		plan_print_addf(out, "  reaches      the host's network%s%s\n",
				net->host_loopback ? ", its loopback" : "",
				net->metadata ? ", 169.254.0.0/16" : "");
	for (size_t i = 0; i < plan->n_net_devices; i++)
		plan_print_addf(out, "net device  %s of the host becomes %s\n",
				plan->net_devices[i].from, plan->net_devices[i].to);
}

static void print_limits(struct str *out, const struct process_plan *p)
{
	static const char *const setters[] = { "by usrun, last", "by the process itself, last",
					       "by the process itself, before its filter" };

	if (p->n_rlimits)
		plan_print_addf(out, "  limits       set %s\n", setters[p->limits_setter]);
	for (size_t i = 0; i < p->n_rlimits; i++)
		plan_print_addf(out, "    %s %llu:%llu\n",
				json_read_enum_name(names_rlimits, p->rlimits[i].resource),
				(unsigned long long)p->rlimits[i].soft,
				(unsigned long long)p->rlimits[i].hard);
	if (p->set_oom)
		plan_print_addf(out, "  oom score    %d\n", p->oom_score_adj);
}

static void print_attributes(struct str *out, const struct process_plan *p)
{
	const char *who = p->priority_by_parent ? "by usrun" : "by the process itself";

	print_limits(out, p);
	if (p->scheduler)
		plan_print_addf(out, "  scheduler    %s, nice %lld, priority %lld, set %s\n",
				json_read_enum_name(names_sched_policies, p->scheduler->policy),
				(long long)p->scheduler->nice.v,
				(long long)p->scheduler->priority.v, who);
	if (p->io_priority)
		plan_print_addf(out, "  io priority  %s %lld, set %s\n",
				json_read_enum_name(names_io_classes, p->io_priority->io_class),
				(long long)p->io_priority->priority.v, who);
	if (p->personality)
		plan_print_addf(out, "  personality  %s\n",
				json_read_enum_name(names_personalities, p->personality->domain));
	if (p->memory_policy)
		plan_print_addf(out, "  memory       %s, nodes \"%s\"\n",
				json_read_enum_name(names_memory_modes, p->memory_policy->mode),
				p->memory_policy->nodes ? p->memory_policy->nodes : "");
	if (p->affinity)
		plan_print_addf(out, "  CPUs         %s, then %s\n",
				p->affinity->initial ? p->affinity->initial : "the caller's",
				p->affinity->final ? p->affinity->final : "those of the cgroup");
}

static void print_hooks(struct str *out, const struct plan *plan)
{
	const struct oci_hooks *hooks = plan->config->hooks;
	const struct {
		const char *point;
		const oci_hook_list *list;
	} points[] = {
		{ "prestart", hooks ? &hooks->prestart : NULL },
		{ "createRuntime", hooks ? &hooks->create_runtime : NULL },
		{ "createContainer", hooks ? &hooks->create_container : NULL },
		{ "startContainer", hooks ? &hooks->start_container : NULL },
		{ "poststart", hooks ? &hooks->poststart : NULL },
		{ "poststop", hooks ? &hooks->poststop : NULL },
	};

	for (size_t i = 0; hooks && i < sizeof(points) / sizeof(points[0]); i++)
		for (size_t k = 0; k < points[i].list->n; k++)
			plan_print_addf(out, "hook        %s: %s\n", points[i].point,
					points[i].list->v[k].path);
	if (plan->hooks_stdout)
		plan_print_addf(out, "  stdout appended to %s\n", plan->hooks_stdout);
	if (plan->hooks_stderr)
		plan_print_addf(out, "  stderr appended to %s\n", plan->hooks_stderr);
}

static void print_handler(struct str *out, const struct plan *plan)
{
	static const char *const execs[] = {
		[HANDLER_EXEC_SAME] = "runs its kind of programs by it, and others as they are",
		[HANDLER_EXEC_PLAIN] = "runs everything as it is",
		[HANDLER_EXEC_REFUSE] = "is refused",
	};
	const struct handler *handler = plan->handler.handler;

	if (!handler)
		return;
	plan_print_addf(out, "handler     %s, as %s says\n", handler->name, handler->path);
	plan_print_addf(out, "  program      %s", handler->program);
	if (handler->n_files)
		plan_print_addf(out, " with %zu libraries and files", handler->n_files);
	plan_print_addf(out, ", in %s\n", plan->handler.dir);
	plan_print_addf(out, "  environment  each variable has %s in front of its name",
			PLAN_HANDLER_ENV);
	for (size_t i = 0; i < handler->doc.env.n; i++)
		plan_print_addf(out, "%s %s", i ? "," : "; also as it is:", handler->doc.env.v[i]);
	str_add(out, "\n");
	if (handler->doc.config_file)
		plan_print_addf(out, "  config       a copy in %s\n", handler->doc.config_file);
	for (size_t i = 0; i < handler->doc.devices.n; i++)
		plan_print_addf(out, "  device       %s %s\n", handler->doc.devices.v[i].path,
				handler->doc.devices.v[i].access ? handler->doc.devices.v[i].access
								 : "rwm");
	plan_print_addf(out, "  exec         %s\n", execs[handler->doc.exec]);
}

static void print_process(struct str *out, const struct plan *plan)
{
	const struct process_plan *p = &plan->process;

	str_add(out, "process    ");
	for (size_t i = 0; i < p->n_args; i++)
		plan_print_addf(out, " %s", p->args[i]);
	plan_print_addf(out, "\n  uid %u, gid %u, umask %04o, cwd %s%s%s\n", p->uid, p->gid,
			p->umask, p->cwd,
			plan->flags & PLAN_CONSOLE_KEPT ? ", terminal kept for `usrun attach`"
			: p->terminal                   ? ", terminal"
							: "",
			p->no_new_privs ? ", no_new_privs" : "");
	if (p->reaper)
		str_add(out, "  init         usrun, which passes signals on and reaps\n");
	plan_print_addf(out, "  groups       %s (%zu)\n",
			p->keep_groups  ? "the caller's"
			: p->set_groups ? "set"
					: "as they are: setgroups is denied",
			p->n_groups);
	print_caps(out, "bounding", p->caps_bounding);
	print_caps(out, "effective", p->caps_effective);
	print_attributes(out, p);
	if (plan->flags & PLAN_SECCOMP)
		plan_print_addf(out, "  seccomp      loaded %s\n",
				!(plan->flags & PLAN_SECCOMP_EARLY)
					? "last, before the exec"
					: "before the capabilities are dropped");
}

void plan_print(struct str *out, const struct plan *plan)
{
	print_container(out, plan);
	print_namespaces(out, plan);
	print_ids(out, plan);
	print_cgroup(out, plan);
	plan_print_rootfs(out, plan);
	print_notify(out, plan);
	print_rdt(out, plan);
	print_network(out, plan);
	print_handler(out, plan);
	print_process(out, plan);
	print_hooks(out, plan);
	if (plan->n_warnings)
		str_add(out, "departures from the config\n");
	for (size_t i = 0; i < plan->n_warnings; i++)
		plan_print_addf(out, "  %s\n", plan->warnings[i].text);
}
