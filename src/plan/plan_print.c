/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan.h"

#include "src/oci/mount_options.h"
#include "src/oci/names.h"
#include "src/plan/powers.h"

#include <linux/mount.h>
#include <string.h>

/* What a configuration says is shown on the line where it belongs: a line break in it would look
 * like a line of ours, and a terminal would obey other control characters. fmt has its own at its
 * ends only. */
static void PRINTF(2, 3) addf(struct str *out, const char *fmt, ...)
{
	_cleanup_str_ struct str text = { 0 };
	size_t first = *fmt == '\n', end;
	va_list ap;

	va_start(ap, fmt);
	str_addv(&text, fmt, ap);
	va_end(ap);
	end = text.len - str_ends(fmt, "\n");
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.s[i];

		if ((c >= 0x20 && c != 0x7f) || i < first || i >= end)
			str_addn(out, text.s + i, 1);
		else if (c == '\n')
			str_add(out, "\\n");
		else
			str_addf(out, "\\x%02x", c);
	}
}

static void why(struct str *out, const char *reason)
{
	if (reason)
		addf(out, "\n                  because %s", reason);
	str_add(out, "\n");
}

static void print_container(struct str *out, const struct plan *plan)
{
	const char *separator = "";

	addf(out, "container   %s, bundle %s\n", plan->options->id, plan->options->bundle);
	str_add(out, "powers      ");
	for (unsigned int bit = 0; powers_name(bit); bit++)
		if (plan->powers & (1u << bit)) {
			addf(out, "%s%s", separator, powers_name(bit));
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
			addf(out, "  %-12s", words);
		addf(out, " %s", names_namespaces[kind].name);
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
			addf(out, "  joined       %s of %s\n", names_namespaces[kind].name,
			     plan->ns.v[kind].path);
	print_kinds(out, plan, NS_KEEP, "the caller's");
	if (plan->ns.why_user)
		addf(out, "  user is new because %s\n", plan->ns.why_user);
	addf(out, "  %s\n",
	     plan->flags & PLAN_STAGER ? "made and joined by a stager, which then clones init"
				       : "by the one clone that makes init, and by init itself");
}

static void print_map(struct str *out, const char *kind, const struct idmap *map)
{
	for (size_t i = 0; i < map->n; i++)
		addf(out, "  %s %u to %u is host %u to %u\n", kind, map->v[i].inside,
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
	addf(out, "id mapping  written %s", writers[plan->idmap.writer]);
	why(out, plan->why_idmap);
	print_map(out, "uid", &plan->idmap.uid);
	print_map(out, "gid", &plan->idmap.gid);
}

/* The hierarchies of v1 on one line where the path is the same in all of them, as it mostly is. */
static void print_dirs(struct str *out, const struct cgroup_plan *cgroup)
{
	for (size_t i = 0; i < cgroup->place.dirs.n; i++) {
		const char *path = cgroup->place.dirs.v[i].path;

		if (i && str_equal(cgroup->place.dirs.v[i - 1].path, path))
			continue;
		addf(out, "  %s in", path);
		for (size_t k = i;
		     k < cgroup->place.dirs.n && str_equal(cgroup->place.dirs.v[k].path, path); k++)
			addf(out, " %s", cgroup->place.dirs.v[k].mount);
		str_add(out, "\n");
	}
}

static void print_property(struct str *out, const struct cgroup_property *p)
{
	addf(out, "  %s = ", p->name);
	if (*p->type == 'b')
		str_add(out, p->number ? "yes" : "no");
	else if (*p->type == 's')
		addf(out, "%s", p->text);
	else if (*p->type == 'd')
		addf(out, "%g", p->real);
	else if (*p->type == 'a')
		addf(out, "%zu %s", p->n, str_equal(p->type, "ay") ? "bytes" : "entries");
	else if (*p->type == 'i' || *p->type == 'x')
		addf(out, "%lld", (long long)p->number);
	else if (p->number == UINT64_MAX)
		str_add(out, "infinity");
	else
		addf(out, "%llu", (unsigned long long)p->number);
	addf(out, "%s%s%s\n", p->from ? "  (" : "", p->from ? p->from : "", p->from ? ")" : "");
}

static void print_unit(struct str *out, const struct cgroup_unit *unit)
{
	if (unit->subgroup)
		addf(out, "  processes in the group %s inside of it\n", unit->subgroup);
	for (size_t i = 0; i < unit->n_properties; i++)
		print_property(out, &unit->properties[i]);
}

static void print_cgroup(struct str *out, const struct plan *plan)
{
	const struct cgroup_plan *cgroup = &plan->cgroup;
	static const char *const drivers[] = {
		[CGROUP_DRIVER_UNSET] = "none",
		[CGROUP_DRIVER_NONE] = "none",
		[CGROUP_DRIVER_V2] = "v2",
		[CGROUP_DRIVER_V1] = "v1",
	};

	addf(out, "cgroup      %s", drivers[cgroup->place.kind]);
	if (cgroup->unit)
		addf(out, ", unit %s in %s, made by %s%s", cgroup->unit->ref.name,
		     cgroup->unit->slice,
		     cgroup->unit->ref.manager == CGROUP_MANAGER_USER ? "the user's systemd at "
								      : "systemd",
		     cgroup->unit->ref.manager == CGROUP_MANAGER_USER
			     ? cgroup->unit->ref.runtime_dir
			     : "");
	why(out, cgroup->why);
	if (cgroup->unit)
		print_unit(out, cgroup->unit);
	else
		print_dirs(out, cgroup);
	if (cgroup->inside)
		addf(out, "  the processes are in the group %s below\n", cgroup->inside);
	if (cgroup->delegate)
		addf(out, "  the v2 group is given to %u:%u, the container's root\n",
		     cgroup->delegate_uid, cgroup->delegate_gid);
	for (size_t i = 0; i < cgroup->n_writes; i++)
		addf(out, "  %s = %s  (%s)\n", cgroup->writes[i].file, cgroup->writes[i].value,
		     cgroup->writes[i].json_path);
}

static const char *method_name(const struct mount_entry *m, size_t i)
{
	switch (m->methods[i]) {
	case MOUNT_BY_FSMOUNT:
		return "new";
	case MOUNT_BY_BIND:
		return m->kind == MOUNT_REMOUNT ? "remount"
		       : m->recursive           ? "bind with all below"
						: "bind";
	case MOUNT_BY_SCRATCH:
		return m->kind == MOUNT_BIND ? "overlay" : "directory of the layer";
	case MOUNT_BY_HOST_BIND:
		return "bind of the host's";
	case MOUNT_BY_CGROUP_BIND:
		return "its cgroups";
	case MOUNT_BY_MOUNT:
		return "mount(2)";
	}
	return "?";
}

static const char *propagation_name(unsigned long propagation)
{
	for (const struct mount_option *o = mount_options; *o->name; o++)
		if (o->kind == MOUNT_OPTION_PROPAGATION && o->value == propagation)
			return o->name;
	return "?";
}

static void print_mount_idmap(struct str *out, const struct rootfs_plan *rootfs,
			      const struct mount_entry *m)
{
	const struct mount_idmap *map = &rootfs->idmaps[m->idmap - 1];

	if (map->joined) {
		str_add(out, "\n                  ids mapped as in the joined user namespace");
		return;
	}
	str_add(out, "\n                  ids mapped, on disk to host:");
	for (size_t i = 0; i < map->write.uid.n; i++)
		addf(out, " uid %u-%u-%u", map->write.uid.v[i].inside, map->write.uid.v[i].outside,
		     map->write.uid.v[i].count);
	for (size_t i = 0; i < map->write.gid.n; i++)
		addf(out, " gid %u-%u-%u", map->write.gid.v[i].inside, map->write.gid.v[i].outside,
		     map->write.gid.v[i].count);
}

static const char *atime_name(uint64_t set, uint64_t clear)
{
	switch (set & MOUNT_ATTR__ATIME) {
	case MOUNT_ATTR_NOATIME:
		return "noatime";
	case MOUNT_ATTR_STRICTATIME:
		return "strictatime";
	default:
		return clear & MOUNT_ATTR__ATIME ? "relatime" : NULL;
	}
}

/* prefix: "r" for those of the mounts below too. */
static void print_attrs(struct str *out, const char *prefix, uint64_t set, uint64_t clear)
{
	static const struct {
		uint64_t bit;
		const char *set, *clear;
	} attrs[] = { { MOUNT_ATTR_RDONLY, "ro", "rw" },
		      { MOUNT_ATTR_NOSUID, "nosuid", "suid" },
		      { MOUNT_ATTR_NODEV, "nodev", "dev" },
		      { MOUNT_ATTR_NOEXEC, "noexec", "exec" },
		      { MOUNT_ATTR_NODIRATIME, "nodiratime", "diratime" },
		      { MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow", "symfollow" } };

	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		if ((set | clear) & attrs[i].bit)
			addf(out, " %s%s", prefix,
			     set & attrs[i].bit ? attrs[i].set : attrs[i].clear);
	if (atime_name(set, clear))
		addf(out, " %s%s", prefix, atime_name(set, clear));
}

static void print_mount(struct str *out, const struct rootfs_plan *rootfs,
			const struct mount_entry *m)
{
	unsigned int extensions =
		m->extensions & ~(unsigned int)(MOUNT_EXT_IDMAP | MOUNT_EXT_RIDMAP);
	bool created = m->kind != MOUNT_BIND && m->kind != MOUNT_REMOUNT;

	addf(out, "  %-16s %s%s", m->target,
	     m->inside   ? m->inside
	     : m->source ? m->source
			 : "",
	     m->inside ? " of the rootfs" : "");
	for (size_t i = 0; i < m->n_methods; i++)
		addf(out, "%s%s", i ? ", else " : "; ", method_name(m, i));
	str_add(out, ";");
	print_attrs(out, "", m->attr_set | (m->readonly_late ? MOUNT_ATTR_RDONLY : 0),
		    created ? 0 : m->attr_clear); /* a new one has nothing to clear */
	for (size_t i = 0; i < m->n_super; i++)
		addf(out, " %s%s%s", m->super[i].key, m->super[i].value ? "=" : "",
		     m->super[i].value ? m->super[i].value : "");
	print_attrs(out, "r", m->rattr_set, m->rattr_clear);
	for (const struct mount_option *o = mount_options; *o->name; o++)
		if (o->kind == MOUNT_OPTION_EXTENSION && (extensions & o->value))
			addf(out, " %s", o->name);
	if (m->propagation)
		addf(out, " %s", propagation_name(m->propagation));
	if (m->idmap)
		print_mount_idmap(out, rootfs, m);
	str_add(out, "\n");
}

static void print_rootfs(struct str *out, const struct plan *plan)
{
	const struct rootfs_plan *rootfs = &plan->rootfs;

	addf(out, "rootfs      %s%s%s\n", rootfs->path, rootfs->readonly ? ", read-only" : "",
	     plan->flags & PLAN_MOUNTS_BY_PARENT ? "; sources opened by usrun before the clone"
						 : "");
	if (rootfs->layer)
		str_add(out, "  an overlay over it takes what is changed\n");
	if (plan->layer.n)
		addf(out, "  overlays keep their changes in %s\n",
		     plan->layer.dir ? plan->layer.dir : "memory, until the container ends");
	for (size_t i = 0; i < rootfs->n_mounts; i++)
		print_mount(out, rootfs, &rootfs->mounts[i]);
	if (rootfs->propagation)
		addf(out, "  propagation %s\n", propagation_name(rootfs->propagation));
	addf(out, "  %zu paths masked, %zu read-only\n", rootfs->n_masked,
	     rootfs->n_readonly_paths);
	if (!plan->devices.n)
		return;
	addf(out, "devices     %s:",
	     plan->devices.by_parent ? "made by usrun, before the clone"
	     : plan->devices.bind    ? "bound from the host"
				     : "made");
	for (size_t i = 0; i < plan->devices.n; i++)
		addf(out, " %s", plan->devices.v[i].path);
	why(out, plan->devices.why);
}

static void print_caps(struct str *out, const char *set, uint64_t mask)
{
	addf(out, "  %-12s", set);
	for (int cap = 0; cap < 64; cap++)
		if (mask & (1ULL << cap))
			addf(out, " %s",
			     names_capability_name(cap) ? names_capability_name(cap) : "?");
	str_add(out, mask ? "\n" : " none\n");
}

static void print_notify(struct str *out, const struct plan *plan)
{
	if (plan->notify)
		addf(out, "notify      a socket stands for %s\n", plan->options->notify_socket);
}

static void print_rdt(struct str *out, const struct plan *plan)
{
	const struct rdt_plan *rdt = &plan->rdt;

	if (!rdt->group)
		return;
	addf(out, "resctrl     group %s%s\n", rdt->group, rdt->own ? ", made for it" : "");
	for (size_t i = 0; i < rdt->n_lines; i++)
		addf(out, "  %s\n", rdt->lines[i]);
	if (rdt->monitor)
		addf(out, "  monitored in %s\n", rdt->monitor);
}

static void print_network(struct str *out, const struct plan *plan)
{
	const struct net_plan *net = &plan->net;

	if (net->kind != NET_UNSET)
		addf(out, "network     %s%s%s\n", net_kind_name(net->kind), net->text ? " " : "",
		     net->text ? net->text : "");
	for (size_t i = 0; i < net->n_ports; i++)
		addf(out, "  %s port %u of the host's %s leads to %u\n",
		     net->ports[i].udp ? "udp" : "tcp", net->ports[i].host, net->ports[i].ip,
		     net->ports[i].inside);
	if (net_has_device(net->kind))
		addf(out, "  reaches      the host's network%s%s\n",
		     net->host_loopback ? ", its loopback" : "",
		     net->metadata ? ", 169.254.0.0/16" : "");
	for (size_t i = 0; i < plan->n_net_devices; i++)
		addf(out, "net device  %s of the host becomes %s\n", plan->net_devices[i].from,
		     plan->net_devices[i].to);
}

static void print_limits(struct str *out, const struct process_plan *p)
{
	static const char *const setters[] = { "by usrun, last", "by the process itself, last",
					       "by the process itself, before its filter" };

	if (p->n_rlimits)
		addf(out, "  limits       set %s\n", setters[p->limits_setter]);
	for (size_t i = 0; i < p->n_rlimits; i++)
		addf(out, "    %s %llu:%llu\n",
		     json_read_enum_name(names_rlimits, p->rlimits[i].resource),
		     (unsigned long long)p->rlimits[i].soft,
		     (unsigned long long)p->rlimits[i].hard);
	if (p->set_oom)
		addf(out, "  oom score    %d\n", p->oom_score_adj);
}

static void print_attributes(struct str *out, const struct process_plan *p)
{
	const char *who = p->priority_by_parent ? "by usrun" : "by the process itself";

	print_limits(out, p);
	if (p->scheduler)
		addf(out, "  scheduler    %s, nice %lld, priority %lld, set %s\n",
		     json_read_enum_name(names_sched_policies, p->scheduler->policy),
		     (long long)p->scheduler->nice.v, (long long)p->scheduler->priority.v, who);
	if (p->io_priority)
		addf(out, "  io priority  %s %lld, set %s\n",
		     json_read_enum_name(names_io_classes, p->io_priority->io_class),
		     (long long)p->io_priority->priority.v, who);
	if (p->personality)
		addf(out, "  personality  %s\n",
		     json_read_enum_name(names_personalities, p->personality->domain));
	if (p->memory_policy)
		addf(out, "  memory       %s, nodes \"%s\"\n",
		     json_read_enum_name(names_memory_modes, p->memory_policy->mode),
		     p->memory_policy->nodes ? p->memory_policy->nodes : "");
	if (p->affinity)
		addf(out, "  CPUs         %s, then %s\n",
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
			addf(out, "hook        %s: %s\n", points[i].point,
			     points[i].list->v[k].path);
	if (plan->hooks_stdout)
		addf(out, "  stdout appended to %s\n", plan->hooks_stdout);
	if (plan->hooks_stderr)
		addf(out, "  stderr appended to %s\n", plan->hooks_stderr);
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
	addf(out, "handler     %s, as %s says\n", handler->name, handler->path);
	addf(out, "  program      %s", handler->program);
	if (handler->n_files)
		addf(out, " with %zu libraries and files", handler->n_files);
	addf(out, ", in %s\n", plan->handler.dir);
	addf(out, "  environment  each variable has %s in front of its name", PLAN_HANDLER_ENV);
	for (size_t i = 0; i < handler->doc.env.n; i++)
		addf(out, "%s %s", i ? "," : "; also as it is:", handler->doc.env.v[i]);
	str_add(out, "\n");
	if (handler->doc.config_file)
		addf(out, "  config       a copy in %s\n", handler->doc.config_file);
	for (size_t i = 0; i < handler->doc.devices.n; i++)
		addf(out, "  device       %s %s\n", handler->doc.devices.v[i].path,
		     handler->doc.devices.v[i].access ? handler->doc.devices.v[i].access : "rwm");
	addf(out, "  exec         %s\n", execs[handler->doc.exec]);
}

static void print_process(struct str *out, const struct plan *plan)
{
	const struct process_plan *p = &plan->process;

	str_add(out, "process    ");
	for (size_t i = 0; i < p->n_args; i++)
		addf(out, " %s", p->args[i]);
	addf(out, "\n  uid %u, gid %u, umask %04o, cwd %s%s%s\n", p->uid, p->gid, p->umask, p->cwd,
	     plan->flags & PLAN_CONSOLE_KEPT ? ", terminal kept for `usrun attach`"
	     : p->terminal                   ? ", terminal"
					     : "",
	     p->no_new_privs ? ", no_new_privs" : "");
	if (p->reaper)
		str_add(out, "  init         usrun, which passes signals on and reaps\n");
	addf(out, "  groups       %s (%zu)\n",
	     p->keep_groups  ? "the caller's"
	     : p->set_groups ? "set"
			     : "as they are: setgroups is denied",
	     p->n_groups);
	print_caps(out, "bounding", p->caps_bounding);
	print_caps(out, "effective", p->caps_effective);
	print_attributes(out, p);
	if (plan->flags & PLAN_SECCOMP)
		addf(out, "  seccomp      loaded %s\n",
		     !(plan->flags & PLAN_SECCOMP_EARLY) ? "last, before the exec"
							 : "before the capabilities are dropped");
}

void plan_print(struct str *out, const struct plan *plan)
{
	print_container(out, plan);
	print_namespaces(out, plan);
	print_ids(out, plan);
	print_cgroup(out, plan);
	print_rootfs(out, plan);
	print_notify(out, plan);
	print_rdt(out, plan);
	print_network(out, plan);
	print_handler(out, plan);
	print_process(out, plan);
	print_hooks(out, plan);
	if (plan->n_warnings)
		str_add(out, "departures from the config\n");
	for (size_t i = 0; i < plan->n_warnings; i++)
		addf(out, "  %s\n", plan->warnings[i].text);
}
