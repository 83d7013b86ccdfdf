/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/update_values.h"

#include "src/base/parse.h"
#include "src/base/str.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct values {
	struct oci_memory memory;
	struct oci_cpu cpu;
	struct oci_pids pids;
	struct oci_block_io block_io;
};

enum kind { SIZE, SIGNED, UNSIGNED };

#define ROW(member, name, kind, target, path)                                                      \
	{                                                                                          \
		name, kind, offsetof(struct update_texts, member),                                 \
			offsetof(struct values, target), "linux.resources." path                   \
	}

static const struct {
	char name[24];
	enum kind kind;
	size_t text, target;
	char path[48];
} rows[] = {
	ROW(memory, "memory", SIZE, memory.limit, "memory.limit"),
	ROW(reservation, "memory-reservation", SIZE, memory.reservation, "memory.reservation"),
	ROW(swap, "memory-swap", SIZE, memory.swap, "memory.swap"),
	ROW(shares, "cpu-share", UNSIGNED, cpu.shares, "cpu.shares"),
	ROW(quota, "cpu-quota", SIGNED, cpu.quota, "cpu.quota"),
	ROW(period, "cpu-period", UNSIGNED, cpu.period, "cpu.period"),
	ROW(burst, "cpu-burst", UNSIGNED, cpu.burst, "cpu.burst"),
	ROW(idle, "cpu-idle", SIGNED, cpu.idle, "cpu.idle"),
	ROW(rt_period, "cpu-rt-period", UNSIGNED, cpu.realtime_period, "cpu.realtimePeriod"),
	ROW(rt_runtime, "cpu-rt-runtime", SIGNED, cpu.realtime_runtime, "cpu.realtimeRuntime"),
	ROW(pids, "pids-limit", SIGNED, pids.limit, "pids.limit"),
	ROW(weight, "blkio-weight", UNSIGNED, block_io.weight, "blockIO.weight"),
};

const char *update_values_option(const char *path)
{
	static char option[64];

	if (str_starts(path, "linux.resources.cpu.cpus"))
		return "--cpuset-cpus";
	if (str_starts(path, "linux.resources.cpu.mems"))
		return "--cpuset-mems";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_equal(path, rows[i].path)) {
			(void)snprintf(option, sizeof(option), "--%s", rows[i].name);
			return option;
		}
	return NULL;
}

int update_values_size(const char *text, int64_t *ret)
{
	static const char units[] = "kmgtp";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits, *found;
	char number[24];
	uint64_t value;
	int shift = 0, r;

	if (str_equal(text, "-1")) {
		*ret = -1;
		return 0;
	}
	if (!digits || digits >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, digits);
	number[digits] = '\0';
	r = parse_u64(number, &value);
	if (r < 0)
		return r;
	found = *unit ? strchr(units, *unit | 0x20) : NULL;
	if (found) {
		shift = 10 * (int)(found - units + 1);
		unit++;
	}
	if (*unit && strcasecmp(unit, "b") != 0 && !(found && strcasecmp(unit, "ib") == 0))
		return -EINVAL;
	if (value > (uint64_t)INT64_MAX >> shift)
		return -ERANGE;
	*ret = (int64_t)(value << shift);
	return 0;
}

static int parse_one(enum kind kind, const char *text, void *at)
{
	struct json_int *i = at;
	struct json_uint *u = at;
	int r;

	if (kind == UNSIGNED) {
		r = parse_u64(text, &u->v);
		u->set = r == 0;
		return r;
	}
	r = kind == SIZE ? update_values_size(text, &i->v) : parse_i64(text, &i->v);
	i->set = r == 0;
	return r;
}

int update_values_parse(struct arena *arena, const struct update_texts *texts,
			const struct oci_resources **ret, struct err *err)
{
	struct values *values = arena_new(arena, struct values);
	struct oci_resources *resources = arena_new(arena, struct oci_resources);

	bool any = texts->cpus || texts->mems;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text;

		memcpy(&text, (const char *)texts + rows[i].text, sizeof(text));
		any = any || text;
		if (text && parse_one(rows[i].kind, text, (char *)values + rows[i].target) < 0)
			return err_set(err, EINVAL, "--%s: expected %s, got \"%s\"", rows[i].name,
				       rows[i].kind == SIZE     ? "a size such as 64m, or -1"
				       : rows[i].kind == SIGNED ? "a number"
								: "an unsigned number",
				       text);
	}
	*ret = resources;
	if (!any)
		return 0;
	values->cpu.cpus = texts->cpus;
	values->cpu.mems = texts->mems;
	resources->memory = &values->memory;
	resources->cpu = &values->cpu;
	if (values->pids.limit.set)
		resources->pids = &values->pids;
	if (values->block_io.weight.set)
		resources->block_io = &values->block_io;
	return 0;
}

/* cpu.max is "QUOTA PERIOD", the first may be "max". */
static const struct oci_cpu *complete_cpu(struct arena *arena, const struct oci_cpu *given,
					  const char *cpu_max)
{
	struct oci_cpu *cpu = arena_new(arena, struct oci_cpu);
	const char *blank = strchr(cpu_max, ' ');
	const char *quota = blank ? arena_strndup(arena, cpu_max, (size_t)(blank - cpu_max)) : "";

	*cpu = *given;
	if (cpu->quota.v && !cpu->period.v && blank)
		cpu->period.set = parse_u64(blank + 1, &cpu->period.v) == 0;
	else if (cpu->period.v && !cpu->quota.v && blank)
		cpu->quota.set = parse_i64(quota, &cpu->quota.v) == 0;
	return cpu;
}

const struct oci_resources *update_values_complete(struct arena *arena,
						   const struct oci_resources *resources,
						   const char *cpu_max, const char *memory_max)
{
	struct oci_resources *all = arena_new(arena, struct oci_resources);
	struct oci_memory *memory;

	*all = *resources;
	if (resources->cpu)
		all->cpu = complete_cpu(arena, resources->cpu, cpu_max);
	if (!resources->memory || resources->memory->swap.v < 0 ||
	    (resources->memory->swap.v && resources->memory->limit.v))
		return all;
	memory = arena_new(arena, struct oci_memory);
	*memory = *resources->memory;
	all->memory = memory;
	/* Clients send 0 for values that their user did not set, which must not disable the
	 * container's swap. */
	memory->swap.set = memory->swap.v != 0;
	if (memory->swap.v)
		memory->limit.set = parse_i64(memory_max, &memory->limit.v) == 0;
	return all;
}
