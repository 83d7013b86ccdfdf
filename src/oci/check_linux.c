/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/json_text.h"
#include "src/base/path.h"
#include "src/base/str.h"
#include "src/oci/check_parts.h"
#include "src/oci/names.h"
#include "src/oci/sysctl.h"

#include <inttypes.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/stat.h>

static int check_namespaces(struct check *check, const struct oci_linux *lin)
{
	int seen = 0;

	for (size_t i = 0; i < lin->namespaces.n; i++) {
		int type = lin->namespaces.v[i].type;

		if (seen & type) {
			check_at(check, "linux.namespaces[%zu].type", i);
			return check_fail(check, "the %s namespace is listed twice",
					  json_read_enum_name(names_namespaces, type));
		}
		seen |= type;
	}
	return 0;
}

static int check_time_offsets(struct check *check, const struct oci_linux *lin)
{
	if (!lin->time_offsets || (!lin->time_offsets->monotonic && !lin->time_offsets->boottime))
		return 0;
	if (check_namespaces_new(lin) & CLONE_NEWTIME)
		return 0;
	check_at(check, "linux.timeOffsets");
	(void)check_fail(check, "needs a new time namespace");
	return err_hint(check->err, "add { \"type\": \"time\" } to linux.namespaces");
}

/* Checks the permission bits. Engines also send the whole st_mode of a host node, whose type must
 * match. */
static int check_file_mode(struct check *check, const struct oci_device *d)
{
	static const struct {
		const char *types;
		unsigned int bits;
	} kinds[] = { { "cu", S_IFCHR }, { "b", S_IFBLK }, { "p", S_IFIFO } };
	unsigned int mode = (unsigned int)d->file_mode.v;

	if (mode <= 0777)
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strchr(kinds[i].types, *d->type) && (mode & S_IFMT) == kinds[i].bits)
			return 0;
	return check_fail(
		check,
		"expected an integer from 0 to 511, or the st_mode of a device of type \"%s\", "
		"got %u",
		d->type, mode);
}

static int check_device(struct check *check, const struct oci_device *d, size_t i)
{
	char shown[JSON_TEXT_QUOTE];
	int r;

	check_at(check, "linux.devices[%zu].type", i);
	if (strlen(d->type) != 1 || !strchr("cbup", *d->type)) {
		return check_fail(check, "expected one of \"c\", \"b\", \"u\", \"p\", got %s",
				  json_text_quote(shown, d->type));
	}
	check_at(check, "linux.devices[%zu].%s", i, d->major.set ? "minor" : "major");
	if (*d->type != 'p' && (!d->major.set || !d->minor.set)) {
		return check_fail(check, "required for devices of type \"%s\"", d->type);
	}
	check_at(check, "linux.devices[%zu].fileMode", i);
	r = check_file_mode(check, d);
	if (r < 0)
		return r;
	check_at(check, "linux.devices[%zu].uid", i);
	r = check_id(check, d->uid.v);
	if (r < 0)
		return r;
	check_at(check, "linux.devices[%zu].gid", i);
	return check_id(check, d->gid.v);
}

static int check_devices(struct check *check, const struct oci_linux *lin)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < lin->devices.n; i++)
		r = check_device(check, &lin->devices.v[i], i);
	return r;
}

/* The kernel's dev_valid_name(). */
static bool interface_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < 16 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       !strpbrk(name, "/: \t\n\v\f\r");
}

/* The kernel fills in a number for one "%d" in a new name, and accepts no other "%". */
static bool template_is_valid(const char *name)
{
	const char *percent = strchr(name, '%');

	return !percent || (percent[1] == 'd' && !strchr(percent + 1, '%'));
}

static int check_net_device(struct check *check, const struct oci_linux *lin, size_t i)
{
	const struct oci_net_device *d = &lin->net_devices.v[i];
	const char *name = d->name ? d->name : d->key;
	char shown[JSON_TEXT_QUOTE];

	check_at_key(check, "linux.netDevices", d->key);
	if (!interface_name_is_valid(d->key))
		return check_fail(check, "not a valid network interface name");
	if (!interface_name_is_valid(name) || (d->name && !template_is_valid(name))) {
		return check_fail(
			check,
			"expected a name of 1 to 15 bytes without blanks, \"/\", \":\" and, "
			"but for one %%d, \"%%\", got %s",
			json_text_quote(shown, name));
	}
	for (size_t j = 0; j < i && !strchr(name, '%'); j++) {
		const struct oci_net_device *other = &lin->net_devices.v[j];

		if (str_equal(name, other->name ? other->name : other->key))
			return check_fail(check, "%s is also the name of another device", name);
	}
	return 0;
}

enum { MAX_NET_DEVICES = 1024 }; /* limited, because each is compared with all others */

static int check_net_devices(struct check *check, const struct oci_linux *lin)
{
	int r = 0;

	if (lin->net_devices.n == 0)
		return 0;
	check_at(check, "linux.netDevices");
	if (!(check_namespaces_listed(lin) & CLONE_NEWNET)) {
		(void)check_fail(check, "needs a network namespace of the container");
		return err_hint(check->err, "add { \"type\": \"network\" } to linux.namespaces");
	}
	if (lin->net_devices.n > MAX_NET_DEVICES)
		return check_fail(check, "expected at most %d devices, got %zu", MAX_NET_DEVICES,
				  lin->net_devices.n);
	for (size_t i = 0; i < lin->net_devices.n && r == 0; i++)
		r = check_net_device(check, lin, i);
	return r;
}

static int check_sysctl(struct check *check, const struct oci_linux *lin, const char *key)
{
	char path[SYSCTL_PATH_MAX];
	int owner;

	check_at_key(check, "linux.sysctl", key);
	if (sysctl_path(key, path) < 0)
		return check_fail(check, "not a valid sysctl name");
	if (strcmp(path, "kernel/hostname") == 0) {
		(void)check_fail(check, "the host name has a field of its own in the config");
		return err_hint(check->err, "use \"hostname\" instead of the sysctl");
	}
	owner = sysctl_namespace(path);
	if (owner == 0)
		return check_fail(check, "is host-wide, not per namespace");
	if (check_namespaces_listed(lin) & owner)
		return 0;
	(void)check_fail(check, "needs a %s namespace of its own, or the host's value would change",
			 json_read_enum_name(names_namespaces, owner));
	return err_hint(check->err, "add { \"type\": \"%s\" } to linux.namespaces",
			json_read_enum_name(names_namespaces, owner));
}

static int check_sysctls(struct check *check, const struct oci_linux *lin)
{
	int r = 0;

	for (size_t i = 0; i < lin->sysctl.n && r == 0; i++)
		r = check_sysctl(check, lin, lin->sysctl.v[i].key);
	return r;
}

/* The name becomes a directory in resctrl. */
static int check_clos_id(struct check *check, const char *id)
{
	char shown[JSON_TEXT_QUOTE];

	if (!id || strcmp(id, "/") == 0)
		return 0;
	if (*id && strcmp(id, ".") != 0 && strcmp(id, "..") != 0 && !strpbrk(id, "/\n"))
		return 0;
	check_at(check, "linux.intelRdt.closID");
	return check_fail(check, "expected \"/\" or the name of a directory, got %s",
			  json_text_quote(shown, id));
}

static int check_rdt(struct check *check, const struct oci_rdt *rdt)
{
	char shown[JSON_TEXT_QUOTE];
	int r = check_clos_id(check, rdt->clos_id);

	if (r < 0)
		return r;
	check_at(check, "linux.intelRdt.l3CacheSchema");
	if (rdt->l3_cache_schema && strchr(rdt->l3_cache_schema, '\n'))
		return check_fail(check, "must not contain a line break");
	check_at(check, "linux.intelRdt.memBwSchema");
	if (rdt->mem_bw_schema && !str_starts(rdt->mem_bw_schema, "MB:"))
		return check_fail(check, "expected \"MB:\" and the bandwidths, got %s",
				  json_text_quote(shown, rdt->mem_bw_schema));
	if (rdt->mem_bw_schema && strchr(rdt->mem_bw_schema, '\n'))
		return check_fail(check, "must not contain a line break");
	for (size_t i = 0; i < rdt->schemata.n; i++) {
		check_at(check, "linux.intelRdt.schemata[%zu]", i);
		if (strchr(rdt->schemata.v[i], '\n'))
			return check_fail(check, "must not contain a line break");
	}
	return 0;
}

/* set_mempolicy(2) refuses these with EINVAL. */
static int check_memory_policy(struct check *check, const struct oci_memory_policy *policy)
{
	const char *mode = json_read_enum_name(names_memory_modes, policy->mode);
	bool has_nodes = policy->nodes && policy->nodes[strspn(policy->nodes, " ")];
	int flags = 0, r;

	check_at(check, "linux.memoryPolicy.nodes");
	r = policy->nodes ? check_list(check, policy->nodes) : 0;
	if (r < 0)
		return r;
	if (policy->mode == MPOL_DEFAULT || policy->mode == MPOL_LOCAL) {
		if (has_nodes)
			return check_fail(check, "%s takes no nodes", mode);
	} else if (policy->mode != MPOL_PREFERRED && !has_nodes) {
		return check_fail(check, "%s needs nodes", mode);
	}
	for (size_t i = 0; i < policy->flags.n; i++)
		flags |= policy->flags.v[i];
	check_at(check, "linux.memoryPolicy.flags");
	if ((flags & MPOL_F_STATIC_NODES) && (flags & MPOL_F_RELATIVE_NODES)) {
		return check_fail(
			check,
			"MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES are mutually exclusive");
	}
	return 0;
}

static int check_small_parts(struct check *check, const struct oci_linux *lin)
{
	char shown[JSON_TEXT_QUOTE];
	int r = 0;

	check_at(check, "linux.personality.flags");
	if (lin->personality && lin->personality->flags.n > 0)
		return check_fail(check, "the specification defines no flags, got %s",
				  json_text_quote(shown, lin->personality->flags.v[0]));
	check_at(check, "linux.cgroupsPath");
	if (lin->cgroups_path && path_has_dotdot(lin->cgroups_path))
		return check_fail(check, "must not contain \"..\", got %s",
				  json_text_quote(shown, lin->cgroups_path));
	if (lin->intel_rdt)
		r = check_rdt(check, lin->intel_rdt);
	if (r == 0 && lin->memory_policy)
		r = check_memory_policy(check, lin->memory_policy);
	return r;
}

static int check_resources_of(struct check *check, const struct oci_resources *resources)
{
	struct check inner = *check;

	inner.prefix = "linux.resources";
	return check_resources_part(&inner, resources);
}

int check_linux(struct check *check, const struct oci_linux *lin)
{
	int r = check_namespaces(check, lin);

	if (r == 0)
		r = check_mappings(check, "linux.", &lin->uid_mappings, &lin->gid_mappings);
	if (r == 0)
		r = check_time_offsets(check, lin);
	if (r == 0)
		r = check_devices(check, lin);
	if (r == 0)
		r = check_net_devices(check, lin);
	if (r == 0)
		r = check_sysctls(check, lin);
	if (r == 0)
		r = check_small_parts(check, lin);
	if (r == 0 && lin->resources)
		r = check_resources_of(check, lin->resources);
	return r;
}

enum { MAX_ERRNO = 4095 }; /* the kernel returns this for larger ones */

static int check_errno(struct check *check, int action, const struct json_uint *value)
{
	if (!value->set)
		return 0;
	if (action == OCI_SECCOMP_ALLOW) /* ignored; the plan reports that */
		return 0;
	if (action != OCI_SECCOMP_ERRNO && action != OCI_SECCOMP_TRACE)
		return check_fail(check, "%s has no error number",
				  json_read_enum_name(names_seccomp_actions, action));
	if (action == OCI_SECCOMP_ERRNO && value->v > MAX_ERRNO)
		return check_fail(check, "expected an integer from 0 to %d, got %" PRIu64,
				  MAX_ERRNO, value->v);
	return 0;
}

static bool is_known_arch(const char *name)
{
	for (const char *const *arch = names_seccomp_archs; *arch; arch++)
		if (strcmp(*arch, name) == 0)
			return true;
	return false;
}

static int check_archs(struct check *check, const struct oci_seccomp *seccomp)
{
	char shown[JSON_TEXT_QUOTE];

	for (size_t i = 0; i < seccomp->architectures.n; i++) {
		if (is_known_arch(seccomp->architectures.v[i]))
			continue;
		check_at(check, "architectures[%zu]", i);
		return check_fail(check, "expected a name like \"SCMP_ARCH_X86_64\", got %s",
				  json_text_quote(shown, seccomp->architectures.v[i]));
	}
	return 0;
}

static int check_syscalls(struct check *check, const struct oci_seccomp *seccomp, bool receiver)
{
	for (size_t i = 0; i < seccomp->syscalls.n; i++) {
		const struct oci_syscall *call = &seccomp->syscalls.v[i];
		int r;

		check_at(check, "syscalls[%zu].errnoRet", i);
		r = check_errno(check, call->action, &call->errno_ret);
		if (r < 0)
			return r;
		if (call->action != OCI_SECCOMP_NOTIFY || receiver)
			continue;
		check_at(check, "syscalls[%zu].action", i);
		return check_fail(check, "SCMP_ACT_NOTIFY needs listenerPath");
	}
	return 0;
}

int check_seccomp_part(struct check *check, const struct oci_seccomp *seccomp, bool receiver)
{
	int r;

	receiver = receiver || seccomp->listener_path;
	check_at(check, "defaultAction");
	/* The process that sends the listener to the agent is already subject to the filter. */
	if (seccomp->default_action == OCI_SECCOMP_NOTIFY)
		return check_fail(check, "SCMP_ACT_NOTIFY cannot be the default: it would stop the "
					 "calls that hand the filter over to the agent");
	check_at(check, "defaultErrnoRet");
	r = check_errno(check, seccomp->default_action, &seccomp->default_errno_ret);
	if (r < 0)
		return r;
	check_at(check, "listenerMetadata");
	if (seccomp->listener_metadata && !receiver)
		return check_fail(check, "given without listenerPath");
	r = check_archs(check, seccomp);
	return r < 0 ? r : check_syscalls(check, seccomp, receiver);
}
