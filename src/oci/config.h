/* SPDX-License-Identifier: Apache-2.0 */
/* config.json of the OCI runtime specification 1.3, one to one (config.md, config-linux.md). Types
 * only, const after decoding. Absent members: pointers are NULL, lists have v == NULL, numbers set
 * == false, enums 0. The sections of other platforms are not represented. */
#pragma once

#include "src/base/json_read.h"

#include <sys/types.h>

struct oci_id_mapping {
	struct json_uint container_id, host_id, size; /* uint32, all required */
};
typedef JSON_LIST(struct oci_id_mapping) oci_id_mappings;

struct oci_console_size {
	struct json_uint height, width;
};

struct oci_user {
	struct json_uint uid, gid; /* uint32; check.h refuses 2^32-1, here and below */
	struct json_uint umask;    /* 0 to 0777 */
	JSON_LIST(int64_t) additional_gids;
};

struct oci_capabilities {
	JSON_LIST(const char *) bounding, effective, inheritable, permitted, ambient;
};

struct oci_rlimit {
	int type; /* RLIMIT_* */
	struct json_uint soft, hard;
};

struct oci_scheduler {
	int policy; /* SCHED_* */
	struct json_int nice, priority;
	JSON_LIST(int) flags; /* SCHED_FLAG_* bits */
	struct json_uint runtime, deadline, period;
};

struct oci_io_priority {
	int io_class; /* IOPRIO_CLASS_RT 1, BE 2, IDLE 3 */
	struct json_int priority;
};

struct oci_cpu_affinity {
	const char *initial, *final; /* lists such as "0-3,7" */
};

struct oci_process {
	struct json_bool terminal;
	const struct oci_console_size *console_size;
	/* Its error, if any; must directly follow. Matters only with a terminal (see check.c). */
	const char *console_size_error;
	const struct oci_user *user; /* absent: uid 0, gid 0 */
	JSON_LIST(const char *) args;
	JSON_LIST(const char *) env;
	const char *cwd;
	const struct oci_capabilities *capabilities;
	JSON_LIST(struct oci_rlimit) rlimits;
	struct json_bool no_new_privileges;
	const char *apparmor_profile;
	struct json_int oom_score_adj; /* -1000 to 1000 */
	const char *selinux_label;
	const struct oci_io_priority *io_priority;
	const struct oci_scheduler *scheduler;
	const struct oci_cpu_affinity *exec_cpu_affinity;
};

struct oci_root {
	const char *path;
	struct json_bool readonly;
};

struct oci_mount {
	const char *destination;
	const char *type, *source;
	JSON_LIST(const char *) options;
	oci_id_mappings uid_mappings, gid_mappings;
};

struct oci_hook {
	const char *path;
	JSON_LIST(const char *) args;
	JSON_LIST(const char *) env;
	struct json_int timeout; /* seconds, >= 1 */
};
typedef JSON_LIST(struct oci_hook) oci_hook_list;

struct oci_hooks {
	oci_hook_list prestart, create_runtime, create_container, start_container, poststart,
		poststop;
};

struct oci_namespace {
	int type;         /* CLONE_NEW* */
	const char *path; /* absolute, NULL for a new one */
};

struct oci_device {
	const char *type; /* "c", "b", "u" or "p" */
	const char *path; /* absolute */
	struct json_int major, minor;
	struct json_uint file_mode; /* permission bits, or a whole st_mode */
	struct json_uint uid, gid;
};

struct oci_net_device {
	const char *key; /* name on the host */
	const char *name;
};

struct oci_device_rule {
	struct json_bool allow;
	const char *type;             /* "a", "b", "c"; absent: "a" */
	struct json_int major, minor; /* absent or -1: all */
	const char *access;           /* out of r, w, m; absent: all */
};

struct oci_memory {
	struct json_int limit, reservation, swap, kernel, kernel_tcp; /* -1: no limit */
	struct json_uint swappiness;
	struct json_bool disable_oom_killer, use_hierarchy, check_before_update;
};

struct oci_cpu {
	struct json_uint shares, burst, period, realtime_period;
	struct json_int quota, realtime_runtime, idle;
	const char *cpus, *mems;
};

struct oci_weight_device {
	struct json_int major, minor;
	struct json_uint weight, leaf_weight;
};

struct oci_throttle_device {
	struct json_int major, minor;
	struct json_uint rate;
};
typedef JSON_LIST(struct oci_throttle_device) oci_throttle_devices;

struct oci_block_io {
	struct json_uint weight, leaf_weight;
	JSON_LIST(struct oci_weight_device) weight_device;
	oci_throttle_devices read_bps, write_bps, read_iops, write_iops;
};

struct oci_hugepage_limit {
	const char *page_size; /* "2MB" */
	struct json_uint limit;
};

struct oci_net_priority {
	const char *name;
	struct json_uint priority;
};

struct oci_network {
	struct json_uint class_id;
	JSON_LIST(struct oci_net_priority) priorities;
};

struct oci_pids {
	struct json_int limit;
};

struct oci_rdma {
	const char *key; /* device */
	struct json_uint hca_handles, hca_objects;
};

struct oci_resources {
	JSON_LIST(struct oci_device_rule) devices;
	const struct oci_memory *memory;
	const struct oci_cpu *cpu;
	const struct oci_block_io *block_io;
	JSON_LIST(struct oci_hugepage_limit) hugepage_limits;
	const struct oci_network *network;
	const struct oci_pids *pids;
	JSON_LIST(struct oci_rdma) rdma;
	JSON_LIST(struct json_pair) unified;
};

struct oci_rdt {
	const char *clos_id, *l3_cache_schema, *mem_bw_schema;
	JSON_LIST(const char *) schemata;
	struct json_bool enable_monitoring;
};

struct oci_memory_policy {
	int mode; /* MPOL_* */
	const char *nodes;
	JSON_LIST(int) flags; /* MPOL_F_* bits */
};

struct oci_seccomp_arg {
	struct json_uint index, value, value_two;
	int op; /* enum scmp_compare */
};

struct oci_syscall {
	JSON_LIST(const char *) names;
	int action; /* enum oci_seccomp_action */
	struct json_uint errno_ret;
	JSON_LIST(struct oci_seccomp_arg) args;
};

enum oci_seccomp_action {
	OCI_SECCOMP_ABSENT,
	OCI_SECCOMP_KILL, /* same as KILL_THREAD */
	OCI_SECCOMP_KILL_PROCESS,
	OCI_SECCOMP_KILL_THREAD,
	OCI_SECCOMP_TRAP,
	OCI_SECCOMP_ERRNO,
	OCI_SECCOMP_TRACE,
	OCI_SECCOMP_ALLOW,
	OCI_SECCOMP_LOG,
	OCI_SECCOMP_NOTIFY,
};

enum oci_seccomp_op {
	OCI_SECCOMP_OP_ABSENT,
	OCI_SECCOMP_NE,
	OCI_SECCOMP_LT,
	OCI_SECCOMP_LE,
	OCI_SECCOMP_EQ,
	OCI_SECCOMP_GE,
	OCI_SECCOMP_GT,
	OCI_SECCOMP_MASKED_EQ,
};

struct oci_seccomp {
	int default_action; /* enum oci_seccomp_action */
	struct json_uint default_errno_ret;
	JSON_LIST(const char *) architectures; /* "SCMP_ARCH_X86_64" */
	JSON_LIST(int) flags;                  /* SECCOMP_FILTER_FLAG_* bits */
	const char *listener_path, *listener_metadata;
	JSON_LIST(struct oci_syscall) syscalls;
};

struct oci_personality {
	int domain; /* PER_LINUX, PER_LINUX32 */
	JSON_LIST(const char *) flags;
};

struct oci_time_offset {
	struct json_int secs;
	struct json_uint nanosecs; /* below 10^9 */
};

struct oci_time_offsets {
	const struct oci_time_offset *monotonic, *boottime;
};

struct oci_linux {
	JSON_LIST(struct oci_namespace) namespaces;
	oci_id_mappings uid_mappings, gid_mappings;
	const struct oci_time_offsets *time_offsets;
	JSON_LIST(struct oci_device) devices;
	JSON_LIST(struct oci_net_device) net_devices;
	const char *cgroups_path;
	const struct oci_resources *resources;
	const struct oci_rdt *intel_rdt;
	const struct oci_memory_policy *memory_policy;
	const struct oci_seccomp *seccomp;
	int rootfs_propagation; /* MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE; MS_REC */
	JSON_LIST(struct json_pair) sysctl;
	JSON_LIST(const char *) masked_paths;
	JSON_LIST(const char *) readonly_paths;
	const char *mount_label;
	const struct oci_personality *personality;
};

struct oci_config {
	const char *oci_version;
	const struct oci_root *root;
	const struct oci_process *process;
	const char *hostname, *domainname;
	JSON_LIST(struct oci_mount) mounts;
	const struct oci_hooks *hooks;
	JSON_LIST(struct json_pair) annotations;
	const struct oci_linux *linux_; /* "linux" is a macro of GNU C */
};
