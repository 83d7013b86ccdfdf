/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of linux.resources (config-linux.md, "Control groups"). */
#include "src/oci/decode_tables.h"

/* "-1" means no limit. */
#define LIMIT .imin = -1, .imax = INT64_MAX
#define ANY_UINT .umax = UINT64_MAX
#define ANY_UINT32 .umax = UINT32_MAX
/* Numbers of a device in the kernel's form: 12 and 20 bits. */
#define MAJOR .imax = 4095
#define MINOR .imax = 1048575

static const struct json_field device_rule_fields[] = {
	{ "allow", JSON_BOOL, JSON_REQUIRED, AT(oci_device_rule, allow) },
	{ "type", JSON_STRING, 0, AT(oci_device_rule, type) },
	{ "major", JSON_INT, 0, AT(oci_device_rule, major), .imin = -1, .imax = UINT32_MAX },
	{ "minor", JSON_INT, 0, AT(oci_device_rule, minor), .imin = -1, .imax = UINT32_MAX },
	{ "access", JSON_STRING, 0, AT(oci_device_rule, access) },
};
static const struct json_type device_rule_type = TYPE(oci_device_rule, device_rule_fields);

static const struct json_field memory_fields[] = {
	{ "limit", JSON_INT, 0, AT(oci_memory, limit), LIMIT },
	{ "reservation", JSON_INT, 0, AT(oci_memory, reservation), LIMIT },
	{ "swap", JSON_INT, 0, AT(oci_memory, swap), LIMIT },
	{ "kernel", JSON_INT, 0, AT(oci_memory, kernel), LIMIT },
	{ "kernelTCP", JSON_INT, 0, AT(oci_memory, kernel_tcp), LIMIT },
	{ "swappiness", JSON_UINT, JSON_MAX_IS_NULL, AT(oci_memory, swappiness), .umax = 100 },
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
	{ "idle", JSON_INT, 0, AT(oci_cpu, idle), .imax = 1 },
};
static const struct json_type cpu_type = TYPE(oci_cpu, cpu_fields);

/* The kernel takes 1 or 10 to 1000, depending on the scheduler; 0 means "not set" to the clients. */
#define WEIGHT .umax = 1000

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
	{ "pageSize", JSON_STRING, JSON_REQUIRED, AT(oci_hugepage_limit, page_size) },
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
const struct json_type decode_resources_type = TYPE(oci_resources, resources_fields);
