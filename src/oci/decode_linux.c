/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of config-linux.md, but for control groups. */
#include "src/oci/decode_tables.h"

#include "src/oci/names.h"

static const struct json_field namespace_fields[] = {
	{ "type", JSON_ENUM, JSON_REQUIRED, AT(oci_namespace, type), .names = names_namespaces },
	{ "path", JSON_STRING, JSON_ABSOLUTE, AT(oci_namespace, path) },
};
static const struct json_type namespace_type = TYPE(oci_namespace, namespace_fields);

static const struct json_field time_offset_fields[] = {
	{ "secs", JSON_INT, 0, AT(oci_time_offset, secs), .imin = INT64_MIN, .imax = INT64_MAX },
	{ "nanosecs", JSON_UINT, 0, AT(oci_time_offset, nanosecs), .umax = 999999999 },
};
static const struct json_type time_offset_type = TYPE(oci_time_offset, time_offset_fields);

static const struct json_field time_offsets_fields[] = {
	{ "monotonic", JSON_OBJECT, 0, AT(oci_time_offsets, monotonic), .type = &time_offset_type },
	{ "boottime", JSON_OBJECT, 0, AT(oci_time_offsets, boottime), .type = &time_offset_type },
};
static const struct json_type time_offsets_type = TYPE(oci_time_offsets, time_offsets_fields);

/* major and minor have 12 and 20 bits in the kernel; mknod() cuts larger ones off without a word. */
static const struct json_field device_fields[] = {
	{ "type", JSON_STRING, JSON_REQUIRED, AT(oci_device, type) },
	{ "path", JSON_STRING, JSON_REQUIRED | JSON_ABSOLUTE, AT(oci_device, path) },
	{ "major", JSON_INT, 0, AT(oci_device, major), .imax = 4095 },
	{ "minor", JSON_INT, 0, AT(oci_device, minor), .imax = 1048575 },
	{ "fileMode", JSON_UINT, 0, AT(oci_device, file_mode), .umax = 0177777 },
	{ "uid", JSON_UINT, 0, AT(oci_device, uid), .umax = UINT32_MAX },
	{ "gid", JSON_UINT, 0, AT(oci_device, gid), .umax = UINT32_MAX },
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
	{ "index", JSON_UINT, JSON_REQUIRED, AT(oci_seccomp_arg, index), .umax = 5 },
	{ "value", JSON_UINT, JSON_REQUIRED, AT(oci_seccomp_arg, value), .umax = UINT64_MAX },
	{ "valueTwo", JSON_UINT, 0, AT(oci_seccomp_arg, value_two), .umax = UINT64_MAX },
	{ "op", JSON_ENUM, JSON_REQUIRED, AT(oci_seccomp_arg, op), .names = names_seccomp_ops },
};
static const struct json_type seccomp_arg_type = TYPE(oci_seccomp_arg, seccomp_arg_fields);

/* The value of an action has 16 bits in the kernel. */
static const struct json_field syscall_fields[] = {
	{ "names", JSON_STRINGS, JSON_REQUIRED | JSON_NOT_EMPTY, AT(oci_syscall, names) },
	{ "action", JSON_ENUM, JSON_REQUIRED, AT(oci_syscall, action),
	  .names = names_seccomp_actions },
	{ "errnoRet", JSON_UINT, 0, AT(oci_syscall, errno_ret), .umax = UINT16_MAX },
	{ "args", JSON_OBJECTS, 0, AT(oci_syscall, args), .type = &seccomp_arg_type },
};
static const struct json_type syscall_type = TYPE(oci_syscall, syscall_fields);

static const struct json_field seccomp_fields[] = {
	{ "defaultAction", JSON_ENUM, JSON_REQUIRED, AT(oci_seccomp, default_action),
	  .names = names_seccomp_actions },
	{ "defaultErrnoRet", JSON_UINT, 0, AT(oci_seccomp, default_errno_ret), .umax = UINT16_MAX },
	{ "architectures", JSON_STRINGS, 0, AT(oci_seccomp, architectures) },
	{ "flags", JSON_ENUMS, 0, AT(oci_seccomp, flags), .names = names_seccomp_flags },
	{ "listenerPath", JSON_STRING, 0, AT(oci_seccomp, listener_path) },
	{ "listenerMetadata", JSON_STRING, 0, AT(oci_seccomp, listener_metadata) },
	{ "syscalls", JSON_OBJECTS, 0, AT(oci_seccomp, syscalls), .type = &syscall_type },
};
const struct json_type decode_seccomp_type = TYPE(oci_seccomp, seccomp_fields);

static const struct json_field personality_fields[] = {
	{ "domain", JSON_ENUM, JSON_REQUIRED, AT(oci_personality, domain),
	  .names = names_personalities },
	{ "flags", JSON_STRINGS, 0, AT(oci_personality, flags) },
};
static const struct json_type personality_type = TYPE(oci_personality, personality_fields);

static const struct json_field linux_fields[] = {
	{ "uidMappings", JSON_OBJECTS, 0, AT(oci_linux, uid_mappings),
	  .type = &decode_id_mapping_type },
	{ "gidMappings", JSON_OBJECTS, 0, AT(oci_linux, gid_mappings),
	  .type = &decode_id_mapping_type },
	{ "sysctl", JSON_STRING_MAP, JSON_NOT_EMPTY, AT(oci_linux, sysctl) },
	{ "resources", JSON_OBJECT, 0, AT(oci_linux, resources), .type = &decode_resources_type },
	{ "cgroupsPath", JSON_STRING, 0, AT(oci_linux, cgroups_path) },
	{ "namespaces", JSON_OBJECTS, 0, AT(oci_linux, namespaces), .type = &namespace_type },
	{ "devices", JSON_OBJECTS, 0, AT(oci_linux, devices), .type = &device_type },
	{ "netDevices", JSON_OBJECT_MAP, JSON_NOT_EMPTY, AT(oci_linux, net_devices),
	  .type = &net_device_type },
	{ "seccomp", JSON_OBJECT, 0, AT(oci_linux, seccomp), .type = &decode_seccomp_type },
	{ "rootfsPropagation", JSON_ENUM, 0, AT(oci_linux, rootfs_propagation),
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
