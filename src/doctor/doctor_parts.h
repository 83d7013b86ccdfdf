/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the checks; not for others. */
#pragma once

#include "src/doctor/doctor.h"

/* Set the finding. The texts are formatted into the arena. */
void doctor_ok(struct doctor *d, struct doctor_finding *ret, const char *fmt, ...) PRINTF(3, 4);
void doctor_skip(struct doctor *d, struct doctor_finding *ret, const char *fmt, ...) PRINTF(3, 4);
void doctor_warn(struct doctor *d, struct doctor_finding *ret, const char *fix, const char *fmt,
		 ...) PRINTF(4, 5);
void doctor_fail(struct doctor *d, struct doctor_finding *ret, const char *fix, const char *fmt,
		 ...) PRINTF(4, 5);
/* Sets the finding from an error's text and hint. */
void doctor_say(struct doctor *d, struct doctor_finding *ret, enum doctor_result result,
		const struct err *err);

/* Runs act() in a child, in new namespaces (the CLONE_NEW* of flags), and in a new user namespace
 * with that map first if there is one. Mounts are not shared with the host. Returns act()'s result,
 * with its error. */
struct doctor_trial {
	uint64_t flags;
	const struct idmap_write *map;
	int (*act)(struct doctor *d, const void *data, struct err *err);
	const void *data;
};
int doctor_trial_run(struct doctor *d, const struct doctor_trial *trial,
		     struct err *err) MUST_CHECK;

/* Plans a usual container with these resources (JSON), by id mapping mode (NULL: auto). */
int doctor_plan(struct doctor *d, const char *resources, const char *map, const struct plan **ret,
		struct err *err) MUST_CHECK;

typedef void doctor_function(struct doctor *d, const char *argument, struct doctor_finding *ret);

doctor_function doctor_ids_userns, doctor_ids_subids, doctor_ids_map, doctor_ids_groups;
doctor_function doctor_calls_filter, doctor_calls_keyring, doctor_calls_limits, doctor_calls_lsm;
doctor_function doctor_cgroup_place, doctor_cgroup_limit;
doctor_function doctor_session_state, doctor_session_manager, doctor_session_linger,
	doctor_session_stale;
doctor_function doctor_mounts_fs, doctor_mounts_overlay;
doctor_function doctor_path_reach, doctor_path_users, doctor_path_flags, doctor_path_overlay,
	doctor_path_idmap;
doctor_function doctor_devices_net, doctor_devices_tun, doctor_devices_fuse, doctor_devices_ports,
	doctor_devices_ping, doctor_devices_node, doctor_devices_cdi, doctor_devices_criu;
doctor_function doctor_engines_podman, doctor_engines_docker, doctor_engines_containerd,
	doctor_engines_crio;
