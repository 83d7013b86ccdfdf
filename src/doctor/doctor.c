/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all checks. */
#include "src/doctor/doctor_parts.h"

#include "src/base/str.h"

const struct doctor_check doctor_checks[] = {
	/* Later checks run in a user namespace if the caller needs one. */
	{ "user-namespace", DOCTOR_HOST, doctor_ids_userns, NULL },
	{ "subordinate-ids", DOCTOR_HOST, doctor_ids_subids, NULL },
	/* Later checks use these maps once they could be written. */
	{ "id-map", DOCTOR_HOST, doctor_ids_map, NULL },
	{ "groups", DOCTOR_HOST, doctor_ids_groups, NULL },
	{ "system-calls", DOCTOR_HOST, doctor_calls_filter, NULL },
	{ "proc", DOCTOR_HOST, doctor_mounts_fs, "proc" },
	{ "sysfs", DOCTOR_HOST, doctor_mounts_fs, "sysfs" },
	{ "tmpfs", DOCTOR_HOST, doctor_mounts_fs, "tmpfs" },
	{ "devpts", DOCTOR_HOST, doctor_mounts_fs, "devpts" },
	{ "mqueue", DOCTOR_HOST, doctor_mounts_fs, "mqueue" },
	{ "overlay", DOCTOR_HOST, doctor_mounts_overlay, NULL },
	{ "fuse", DOCTOR_HOST, doctor_devices_fuse, NULL },
	{ "cgroup", DOCTOR_HOST, doctor_cgroup_place, NULL },
	{ "limit-memory", DOCTOR_HOST, doctor_cgroup_limit, "memory" },
	{ "limit-pids", DOCTOR_HOST, doctor_cgroup_limit, "pids" },
	{ "limit-cpu", DOCTOR_HOST, doctor_cgroup_limit, "cpu" },
	{ "limit-cpuset", DOCTOR_HOST, doctor_cgroup_limit, "cpuset" },
	{ "state-directory", DOCTOR_HOST, doctor_session_state, NULL },
	{ "stale-state", DOCTOR_HOST, doctor_session_stale, NULL },
	{ "systemd", DOCTOR_HOST, doctor_session_manager, NULL },
	{ "linger", DOCTOR_HOST, doctor_session_linger, NULL },
	{ "path", DOCTOR_HOST, doctor_path_reach, NULL },
	{ "path-users", DOCTOR_HOST, doctor_path_users, NULL },
	{ "path-mount", DOCTOR_HOST, doctor_path_flags, NULL },
	{ "path-overlay", DOCTOR_HOST, doctor_path_overlay, NULL },
	{ "path-idmap", DOCTOR_HOST, doctor_path_idmap, NULL },
	{ "keyring", DOCTOR_HOST, doctor_calls_keyring, NULL },
	{ "resource-limits", DOCTOR_HOST, doctor_calls_limits, NULL },
	{ "security-module", DOCTOR_HOST, doctor_calls_lsm, NULL },
	{ "network-helper", DOCTOR_HOST, doctor_devices_net, NULL },
	{ "tun", DOCTOR_HOST, doctor_devices_tun, NULL },
	{ "low-ports", DOCTOR_HOST, doctor_devices_ports, NULL },
	{ "ping", DOCTOR_HOST, doctor_devices_ping, NULL },
	{ "kvm", DOCTOR_HOST, doctor_devices_node, "/dev/kvm" },
	{ "gpu", DOCTOR_HOST, doctor_devices_node, "/dev/dri/renderD128" },
	{ "cdi", DOCTOR_HOST, doctor_devices_cdi, NULL },
	{ "criu", DOCTOR_HOST, doctor_devices_criu, NULL },
	{ "podman", DOCTOR_ENGINES, doctor_engines_podman, NULL },
	{ "docker", DOCTOR_ENGINES, doctor_engines_docker, NULL },
	{ "containerd", DOCTOR_ENGINES, doctor_engines_containerd, NULL },
	{ "cri-o", DOCTOR_ENGINES, doctor_engines_crio, NULL },
	{ 0 },
};

const char *doctor_result_name(enum doctor_result result)
{
	static const char names[][8] = { "ok", "skip", "warn", "fail" };

	return names[result];
}

void doctor_prepare(struct doctor *d)
{
	if (facts_gather(d->arena, FACTS_ALL, &d->facts, &d->facts_failed) < 0)
		return;
	if (doctor_plan(d, NULL, NULL, &d->plan, &d->plan_failed) < 0)
		return;
	if (!(d->plan->flags & PLAN_USERNS_NEW))
		return;
	/* Used until the map of containers has been written once. */
	d->single.writer = IDMAP_WRITER_SINGLE;
	(void)idmap_build_default(d->arena, d->facts.caller.uid, NULL, 0, &d->single.uid);
	(void)idmap_build_default(d->arena, d->facts.caller.gid, NULL, 0, &d->single.gid);
	d->map = &d->single;
}

/* Report each failure only once. */
static void tell_failed(struct doctor *d, const struct doctor_check *check,
			struct doctor_finding *ret)
{
	if (check == doctor_checks)
		doctor_say(d, ret, DOCTOR_FAIL, &d->facts_failed);
	else
		doctor_skip(d, ret, "needs %s", doctor_checks[0].id);
}

void doctor_look(struct doctor *d, const struct doctor_check *check, struct doctor_finding *ret)
{
	*ret = (struct doctor_finding){ .result = DOCTOR_SKIP };
	if (d->facts_failed.code)
		tell_failed(d, check, ret);
	else
		check->look(d, check->argument, ret);
}
