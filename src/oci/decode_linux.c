/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of config-linux.md, innermost objects first. */
#include "src/oci/decode_linux.h"

#include "src/oci/names.h"

static const struct json_field id_mapping_fields[] = {
	{ "containerID", JSON_UINT, JSON_REQUIRED, AT(oci_id_mapping, container_id),
	  JSON_RANGE(.umax = UINT32_MAX) },
	{ "hostID", JSON_UINT, JSON_REQUIRED, AT(oci_id_mapping, host_id),
	  JSON_RANGE(.umax = UINT32_MAX) },
	{ "size", JSON_UINT, JSON_REQUIRED, AT(oci_id_mapping, size),
	  JSON_RANGE(.umax = UINT32_MAX) },
};
const struct json_type decode_linux_id_mapping_type = TYPE(oci_id_mapping, id_mapping_fields);

/* linux.resources (config-linux.md, "Control groups"). */

/* "-1" means no limit. */
#define LIMIT JSON_RANGE(.imin = -1, .imax = INT64_MAX)
#define ANY_UINT JSON_RANGE(.umax = UINT64_MAX)
#define ANY_UINT32 JSON_RANGE(.umax = UINT32_MAX)
/* The kernel's limits for device numbers: 12 and 20 bits. */
#define MAJOR JSON_RANGE(.imax = 4095)
#define MINOR JSON_RANGE(.imax = 1048575)

static const struct json_field device_rule_fields[] = {
	{ "allow", JSON_BOOL, JSON_REQUIRED, AT(oci_device_rule, allow) },
	{ "type", JSON_STRING, 0, AT(oci_device_rule, type) },
	{ "major", JSON_INT, 0, AT(oci_device_rule, major),
	  JSON_RANGE(.imin = -1, .imax = UINT32_MAX) },
	{ "minor", JSON_INT, 0, AT(oci_device_rule, minor),
	  JSON_RANGE(.imin = -1, .imax = UINT32_MAX) },
	{ "access", JSON_STRING, 0, AT(oci_device_rule, access) },
};
static const struct json_type device_rule_type = TYPE(oci_device_rule, device_rule_fields);

static const struct json_field memory_fields[] = {
	{ "limit", JSON_INT, 0, AT(oci_memory, limit), LIMIT },
	{ "reservation", JSON_INT, 0, AT(oci_memory, reservation), LIMIT },
	{ "swap", JSON_INT, 0, AT(oci_memory, swap), LIMIT },
	{ "kernel", JSON_INT, 0, AT(oci_memory, kernel), LIMIT },
	{ "kernelTCP", JSON_INT, 0, AT(oci_memory, kernel_tcp), LIMIT },
	{ "swappiness", JSON_UINT, JSON_MAX_IS_NULL, AT(oci_memory, swappiness),
	  JSON_RANGE(.umax = 100) },
	{ "disableOOMKiller", JSON_BOOL, 0, AT(oci_memory, disable_oom_killer) },
	{ "useHierarchy", JSON_BOOL, 0, AT(oci_memory, use_hierarchy) },
	{ "checkBeforeUpdate", JSON_BOOL, 0, AT(oci_memory, check_before_update) },
};
static const struct json_type memory_type = TYPE(oci_memory, memory_fields);

static const struct json_field cpu_fields[] = {
	{ "shares", JSON_UINT, 0, AT(oci_cpu, shares), ANY_UINT },
	{ "quota", JSON_INT, 0, AT(oci_cpu, quota), LIMIT },
	{ "burst", JSON_UINT, 0, AT(oci_cpu, burst), ANY_UINT },
	{ "period", JSON_UINT, 0, AT(oci_cpu, period), ANY_UINT },
	{ "realtimeRuntime", JSON_INT, 0, AT(oci_cpu, realtime_runtime), LIMIT },
	{ "realtimePeriod", JSON_UINT, 0, AT(oci_cpu, realtime_period), ANY_UINT },
	{ "cpus", JSON_STRING, 0, AT(oci_cpu, cpus) },
	{ "mems", JSON_STRING, 0, AT(oci_cpu, mems) },
	{ "idle", JSON_INT, 0, AT(oci_cpu, idle), JSON_RANGE(.imax = 1) },
};
static const struct json_type cpu_type = TYPE(oci_cpu, cpu_fields);

/* The kernel accepts 1 or 10 to 1000, depending on the scheduler; clients write 0 for "not set". */
#define WEIGHT JSON_RANGE(.umax = 1000)

static const struct json_field weight_device_fields[] = {
	{ "major", JSON_INT, JSON_REQUIRED, AT(oci_weight_device, major), MAJOR },
	{ "minor", JSON_INT, JSON_REQUIRED, AT(oci_weight_device, minor), MINOR },
	{ "weight", JSON_UINT, 0, AT(oci_weight_device, weight), WEIGHT },
	{ "leafWeight", JSON_UINT, 0, AT(oci_weight_device, leaf_weight), WEIGHT },
};
static const struct json_type weight_device_type = TYPE(oci_weight_device, weight_device_fields);

static const struct json_field throttle_device_fields[] = {
	{ "major", JSON_INT, JSON_REQUIRED, AT(oci_throttle_device, major), MAJOR },
	{ "minor", JSON_INT, JSON_REQUIRED, AT(oci_throttle_device, minor), MINOR },
	{ "rate", JSON_UINT, JSON_REQUIRED, AT(oci_throttle_device, rate), ANY_UINT },
};
static const struct json_type throttle_type = TYPE(oci_throttle_device, throttle_device_fields);

static const struct json_field block_io_fields[] = {
	{ "weight", JSON_UINT, 0, AT(oci_block_io, weight), WEIGHT },
	{ "leafWeight", JSON_UINT, 0, AT(oci_block_io, leaf_weight), WEIGHT },
	{ "weightDevice", JSON_OBJECTS, 0, AT(oci_block_io, weight_device),
	  .type = &weight_device_type },
	{ "throttleReadBpsDevice", JSON_OBJECTS, 0, AT(oci_block_io, read_bps),
	  .type = &throttle_type },
	{ "throttleWriteBpsDevice", JSON_OBJECTS, 0, AT(oci_block_io, write_bps),
	  .type = &throttle_type },
	{ "throttleReadIOPSDevice", JSON_OBJECTS, 0, AT(oci_block_io, read_iops),
	  .type = &throttle_type },
	{ "throttleWriteIOPSDevice", JSON_OBJECTS, 0, AT(oci_block_io, write_iops),
	  .type = &throttle_type },
};
static const struct json_type block_io_type = TYPE(oci_block_io, block_io_fields);

static const struct json_field hugepage_limit_fields[] = {
	{ "pageSize", JSON_STRING, 0, AT(oci_hugepage_limit, page_size) },
	{ "pagesize", JSON_STRING, 0, AT(oci_hugepage_limit, page_size) }, /* from old engines */
	{ "limit", JSON_UINT, JSON_REQUIRED, AT(oci_hugepage_limit, limit), ANY_UINT },
};
static const struct json_type hugepage_limit_type = TYPE(oci_hugepage_limit, hugepage_limit_fields);

static const struct json_field net_priority_fields[] = {
	{ "name", JSON_STRING, JSON_REQUIRED | JSON_NOT_EMPTY, AT(oci_net_priority, name) },
	{ "priority", JSON_UINT, JSON_REQUIRED, AT(oci_net_priority, priority), ANY_UINT32 },
};
static const struct json_type net_priority_type = TYPE(oci_net_priority, net_priority_fields);

static const struct json_field network_fields[] = {
	{ "classID", JSON_UINT, 0, AT(oci_network, class_id), ANY_UINT32 },
	{ "priorities", JSON_OBJECTS, 0, AT(oci_network, priorities), .type = &net_priority_type },
};
static const struct json_type network_type = TYPE(oci_network, network_fields);

static const struct json_field pids_fields[] = {
	{ "limit", JSON_INT, 0, AT(oci_pids, limit), LIMIT },
};
static const struct json_type pids_type = TYPE(oci_pids, pids_fields);

static const struct json_field rdma_fields[] = {
	{ "hcaHandles", JSON_UINT, 0, AT(oci_rdma, hca_handles), ANY_UINT32 },
	{ "hcaObjects", JSON_UINT, 0, AT(oci_rdma, hca_objects), ANY_UINT32 },
};
static const struct json_type rdma_type = TYPE(oci_rdma, rdma_fields);

static const struct json_field resources_fields[] = {
	{ "devices", JSON_OBJECTS, 0, AT(oci_resources, devices), .type = &device_rule_type },
	{ "memory", JSON_OBJECT, 0, AT(oci_resources, memory), .type = &memory_type },
	{ "cpu", JSON_OBJECT, 0, AT(oci_resources, cpu), .type = &cpu_type },
	{ "pids", JSON_OBJECT, 0, AT(oci_resources, pids), .type = &pids_type },
	{ "blockIO", JSON_OBJECT, 0, AT(oci_resources, block_io), .type = &block_io_type },
	{ "hugepageLimits", JSON_OBJECTS, 0, AT(oci_resources, hugepage_limits),
	  .type = &hugepage_limit_type },
	{ "network", JSON_OBJECT, 0, AT(oci_resources, network), .type = &network_type },
	{ "rdma", JSON_OBJECT_MAP, JSON_NOT_EMPTY, AT(oci_resources, rdma), .type = &rdma_type },
	{ "unified", JSON_STRING_MAP, JSON_NOT_EMPTY, AT(oci_resources, unified) },
};
const struct json_type decode_linux_resources_type = TYPE(oci_resources, resources_fields);

/* The rest of config-linux.md. */

static const struct json_field namespace_fields[] = {
	{ "type", JSON_ENUM, JSON_REQUIRED, AT(oci_namespace, type), .names = names_namespaces },
	{ "path", JSON_STRING, JSON_ABSOLUTE | JSON_EMPTY_IS_NULL, AT(oci_namespace, path) },
};
static const struct json_type namespace_type = TYPE(oci_namespace, namespace_fields);

static const struct json_field time_offset_fields[] = {
	{ "secs", JSON_INT, 0, AT(oci_time_offset, secs),
	  JSON_RANGE(.imin = INT64_MIN, .imax = INT64_MAX) },
	{ "nanosecs", JSON_UINT, 0, AT(oci_time_offset, nanosecs), JSON_RANGE(.umax = 999999999) },
};
static const struct json_type time_offset_type = TYPE(oci_time_offset, time_offset_fields);

static const struct json_field time_offsets_fields[] = {
	{ "monotonic", JSON_OBJECT, 0, AT(oci_time_offsets, monotonic), .type = &time_offset_type },
	{ "boottime", JSON_OBJECT, 0, AT(oci_time_offsets, boottime), .type = &time_offset_type },
};
static const struct json_type time_offsets_type = TYPE(oci_time_offsets, time_offsets_fields);

/* mknod() silently truncates numbers above 12 and 20 bits. */
static const struct json_field device_fields[] = {
	{ "type", JSON_STRING, JSON_REQUIRED, AT(oci_device, type) },
	{ "path", JSON_STRING, JSON_REQUIRED | JSON_ABSOLUTE, AT(oci_device, path) },
	{ "major", JSON_INT, 0, AT(oci_device, major), JSON_RANGE(.imax = 4095) },
	{ "minor", JSON_INT, 0, AT(oci_device, minor), JSON_RANGE(.imax = 1048575) },
	{ "fileMode", JSON_UINT, 0, AT(oci_device, file_mode), JSON_RANGE(.umax = 0177777) },
	{ "uid", JSON_UINT, 0, AT(oci_device, uid), JSON_RANGE(.umax = UINT32_MAX) },
	{ "gid", JSON_UINT, 0, AT(oci_device, gid), JSON_RANGE(.umax = UINT32_MAX) },
};
static const struct json_type device_type = TYPE(oci_device, device_fields);

static const struct json_field net_device_fields[] = {
	{ "name", JSON_STRING, 0, AT(oci_net_device, name) },
};
static const struct json_type net_device_type = TYPE(oci_net_device, net_device_fields);

static const struct json_field rdt_fields[] = {
	{ "closID", JSON_STRING, 0, AT(oci_rdt, clos_id) },
	{ "schemata", JSON_STRINGS, 0, AT(oci_rdt, schemata) },
	{ "l3CacheSchema", JSON_STRING, 0, AT(oci_rdt, l3_cache_schema) },
	{ "memBwSchema", JSON_STRING, 0, AT(oci_rdt, mem_bw_schema) },
	{ "enableMonitoring", JSON_BOOL, 0, AT(oci_rdt, enable_monitoring) },
};
static const struct json_type rdt_type = TYPE(oci_rdt, rdt_fields);

static const struct json_field memory_policy_fields[] = {
	{ "mode", JSON_ENUM, JSON_REQUIRED, AT(oci_memory_policy, mode),
	  .names = names_memory_modes },
	{ "nodes", JSON_STRING, 0, AT(oci_memory_policy, nodes) },
	{ "flags", JSON_ENUMS, 0, AT(oci_memory_policy, flags), .names = names_memory_flags },
};
static const struct json_type memory_policy_type = TYPE(oci_memory_policy, memory_policy_fields);

static const struct json_field seccomp_arg_fields[] = {
	{ "index", JSON_UINT, JSON_REQUIRED, AT(oci_seccomp_arg, index), JSON_RANGE(.umax = 5) },
	{ "value", JSON_UINT, JSON_REQUIRED, AT(oci_seccomp_arg, value),
	  JSON_RANGE(.umax = UINT64_MAX) },
	{ "valueTwo", JSON_UINT, 0, AT(oci_seccomp_arg, value_two),
	  JSON_RANGE(.umax = UINT64_MAX) },
	{ "op", JSON_ENUM, JSON_REQUIRED, AT(oci_seccomp_arg, op), .names = names_seccomp_ops },
};
static const struct json_type seccomp_arg_type = TYPE(oci_seccomp_arg, seccomp_arg_fields);

/* An action's value has 16 bits in the kernel. */
static const struct json_field syscall_fields[] = {
	{ "names", JSON_STRINGS, JSON_REQUIRED | JSON_NOT_EMPTY, AT(oci_syscall, names) },
	{ "action", JSON_ENUM, JSON_REQUIRED, AT(oci_syscall, action),
	  .names = names_seccomp_actions },
	{ "errnoRet", JSON_UINT, 0, AT(oci_syscall, errno_ret), JSON_RANGE(.umax = UINT16_MAX) },
	{ "args", JSON_OBJECTS, 0, AT(oci_syscall, args), .type = &seccomp_arg_type },
};
static const struct json_type syscall_type = TYPE(oci_syscall, syscall_fields);

static const struct json_field seccomp_fields[] = {
	{ "defaultAction", JSON_ENUM, JSON_REQUIRED, AT(oci_seccomp, default_action),
	  .names = names_seccomp_actions },
	{ "defaultErrnoRet", JSON_UINT, 0, AT(oci_seccomp, default_errno_ret),
	  JSON_RANGE(.umax = UINT16_MAX) },
	{ "architectures", JSON_STRINGS, 0, AT(oci_seccomp, architectures) },
	{ "flags", JSON_ENUMS, 0, AT(oci_seccomp, flags), .names = names_seccomp_flags },
	{ "listenerPath", JSON_STRING, 0, AT(oci_seccomp, listener_path) },
	{ "listenerMetadata", JSON_STRING, 0, AT(oci_seccomp, listener_metadata) },
	{ "syscalls", JSON_OBJECTS, 0, AT(oci_seccomp, syscalls), .type = &syscall_type },
};
const struct json_type decode_linux_seccomp_type = TYPE(oci_seccomp, seccomp_fields);

static const struct json_field personality_fields[] = {
	{ "domain", JSON_ENUM, JSON_REQUIRED, AT(oci_personality, domain),
	  .names = names_personalities },
	{ "flags", JSON_STRINGS, 0, AT(oci_personality, flags) },
};
static const struct json_type personality_type = TYPE(oci_personality, personality_fields);

static const struct json_field linux_fields[] = {
	{ "uidMappings", JSON_OBJECTS, 0, AT(oci_linux, uid_mappings),
	  .type = &decode_linux_id_mapping_type },
	{ "gidMappings", JSON_OBJECTS, 0, AT(oci_linux, gid_mappings),
	  .type = &decode_linux_id_mapping_type },
	{ "sysctl", JSON_STRING_MAP, JSON_NOT_EMPTY, AT(oci_linux, sysctl) },
	{ "resources", JSON_OBJECT, 0, AT(oci_linux, resources),
	  .type = &decode_linux_resources_type },
	{ "cgroupsPath", JSON_STRING, 0, AT(oci_linux, cgroups_path) },
	{ "namespaces", JSON_OBJECTS, 0, AT(oci_linux, namespaces), .type = &namespace_type },
	{ "devices", JSON_OBJECTS, 0, AT(oci_linux, devices), .type = &device_type },
	{ "netDevices", JSON_OBJECT_MAP, JSON_NOT_EMPTY, AT(oci_linux, net_devices),
	  .type = &net_device_type },
	{ "seccomp", JSON_OBJECT, 0, AT(oci_linux, seccomp), .type = &decode_linux_seccomp_type },
	{ "rootfsPropagation", JSON_ENUM, JSON_EMPTY_IS_NULL, AT(oci_linux, rootfs_propagation),
	  .names = names_propagations },
	{ "maskedPaths", JSON_STRINGS, JSON_ABSOLUTE, AT(oci_linux, masked_paths) },
	{ "readonlyPaths", JSON_STRINGS, JSON_ABSOLUTE, AT(oci_linux, readonly_paths) },
	{ "mountLabel", JSON_STRING, 0, AT(oci_linux, mount_label) },
	{ "intelRdt", JSON_OBJECT, 0, AT(oci_linux, intel_rdt), .type = &rdt_type },
	{ "memoryPolicy", JSON_OBJECT, 0, AT(oci_linux, memory_policy),
	  .type = &memory_policy_type },
	{ "personality", JSON_OBJECT, 0, AT(oci_linux, personality), .type = &personality_type },
	{ "timeOffsets", JSON_OBJECT, 0, AT(oci_linux, time_offsets), .type = &time_offsets_type },
};
const struct json_type decode_linux_type = TYPE(oci_linux, linux_fields);
