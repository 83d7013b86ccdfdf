/* SPDX-License-Identifier: Apache-2.0 */
#include "src/doctor/doctor_parts.h"

#include "src/base/str.h"

/* The list of all checks; the functions stand apart from the words, which have no pointers. */
#define CHECKS(CHECK)                                                                              \
	/* Later checks run in a user namespace if the caller needs one. */                        \
	CHECK("user-namespace", HOST, ids_userns, "")                                              \
	CHECK("subordinate-ids", HOST, ids_subids, "")                                             \
	/* Later checks use these maps once they could be written. */                              \
	CHECK("id-map", HOST, ids_map, "")                                                         \
	CHECK("groups", HOST, ids_groups, "")                                                      \
	CHECK("system-calls", HOST, calls_filter, "")                                              \
	CHECK("proc", HOST, mounts_fs, "proc")                                                     \
	CHECK("sysfs", HOST, mounts_fs, "sysfs")                                                   \
	CHECK("tmpfs", HOST, mounts_fs, "tmpfs")                                                   \
	CHECK("devpts", HOST, mounts_fs, "devpts")                                                 \
	CHECK("mqueue", HOST, mounts_fs, "mqueue")                                                 \
	CHECK("overlay", HOST, mounts_overlay, "")                                                 \
	CHECK("fuse", HOST, devices_fuse, "")                                                      \
	CHECK("cgroup", HOST, cgroup_place, "")                                                    \
	CHECK("limit-memory", HOST, cgroup_limit, "memory")                                        \
	CHECK("limit-pids", HOST, cgroup_limit, "pids")                                            \
	CHECK("limit-cpu", HOST, cgroup_limit, "cpu")                                              \
	CHECK("limit-cpuset", HOST, cgroup_limit, "cpuset")                                        \
	CHECK("state-directory", HOST, session_state, "")                                          \
	CHECK("stale-state", HOST, session_stale, "")                                              \
	CHECK("systemd", HOST, session_manager, "")                                                \
	CHECK("linger", HOST, session_linger, "")                                                  \
	CHECK("path", HOST, path_reach, "")                                                        \
	CHECK("path-users", HOST, path_users, "")                                                  \
	CHECK("path-mount", HOST, path_flags, "")                                                  \
	CHECK("path-overlay", HOST, path_overlay, "")                                              \
	CHECK("path-idmap", HOST, path_idmap, "")                                                  \
	CHECK("keyring", HOST, calls_keyring, "")                                                  \
	CHECK("resource-limits", HOST, calls_limits, "")                                           \
	CHECK("security-module", HOST, calls_lsm, "")                                              \
	CHECK("network-helper", HOST, devices_net, "")                                             \
	CHECK("tun", HOST, devices_tun, "")                                                        \
	CHECK("low-ports", HOST, devices_ports, "")                                                \
	CHECK("ping", HOST, devices_ping, "")                                                      \
	CHECK("kvm", HOST, devices_node, "/dev/kvm")                                               \
	CHECK("gpu", HOST, devices_node, "/dev/dri/renderD128")                                    \
	CHECK("cdi", HOST, devices_cdi, "")                                                        \
	CHECK("criu", HOST, devices_criu, "")                                                      \
	CHECK("podman", ENGINES, engines_podman, "")                                               \
	CHECK("docker", ENGINES, engines_docker, "")                                               \
	CHECK("containerd", ENGINES, engines_containerd, "")                                       \
	CHECK("cri-o", ENGINES, engines_crio, "")

#define WORDS(id, group, look, argument) { id, argument, DOCTOR_##group },
const struct doctor_check doctor_checks[] = { CHECKS(WORDS){ "", "", DOCTOR_HOST } };

#define LOOK(id, group, look, argument) doctor_##look,
static doctor_function *const looks[] = { CHECKS(LOOK) };

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
		looks[check - doctor_checks](d, check->argument, ret);
}
