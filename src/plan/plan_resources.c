/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan_resources.h"

#include "src/base/str.h"

#include <string.h>

struct list {
	struct arena *arena;
	struct cgroup_write *v;
	size_t n, cap;
};

static void add(struct list *list, const char *controller, const char *file, const char *value,
		const char *path)
{
	if (list->n == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 8;
		list->v = arena_grow(list->arena, list->v, list->n, list->cap, sizeof(*list->v));
	}
	list->v[list->n++] = (struct cgroup_write){
		.controller = controller,
		.file = file,
		.value = value,
		.required = true,
		.json_path = arena_strf(list->arena, "linux.resources.%s", path),
	};
}

static const char *number(struct list *list, int64_t value, bool v2)
{
	if (value < 0)
		return v2 ? "max" : "-1";
	return arena_strf(list->arena, "%lld", (long long)value);
}

static const char *unsigned_number(struct list *list, uint64_t value)
{
	return arena_strf(list->arena, "%llu", (unsigned long long)value);
}

/* log2 in fixed point (20 bits behind the point), without libm: the planner is pure and small. */
static uint64_t log2_fixed(uint64_t x)
{
	uint64_t result, bit = 1ULL << 19;
	int whole = 63 - __builtin_clzll(x);
	uint64_t y = whole >= 30 ? x >> (whole - 30) : x << (30 - whole);

	result = (uint64_t)whole << 20;
	for (; bit; bit >>= 1) {
		y = (y * y) >> 30;
		if (y >= 2ULL << 30) {
			y >>= 1;
			result |= bit;
		}
	}
	return result;
}

/* 10^x for x in 20-bit fixed point, rounded up. */
static uint64_t pow10_ceil(uint64_t x)
{
	/* 10^(2^-k) in 30-bit fixed point, k = 1 to 20. */
	static const uint64_t roots[20] = {
		3395469783, 1909412977, 1431857735, 1239937715, 1153851370, 1113076131, 1093232087,
		1083443130, 1078581570, 1076158976, 1074949721, 1074345603, 1074043671, 1073892737,
		1073817278, 1073779550, 1073760687, 1073751255, 1073746540, 1073744182,
	};
	unsigned __int128 value = 1ULL << 30;

	for (uint64_t whole = x >> 20; whole; whole--)
		value *= 10;
	for (int k = 0; k < 20; k++)
		if (x & (1ULL << (19 - k)))
			value = (value * roots[k]) >> 30;
	return (uint64_t)((value + (1ULL << 30) - 1) >> 30);
}

uint64_t plan_resources_weight(uint64_t shares)
{
	uint64_t l, exponent;

	if (shares < 2)
		return 1;
	if (shares > 262144)
		shares = 262144;
	/* ceil(10^((l^2 + 125 l) / 612 - 7 / 34)): 2 gives 1, 1024 gives 100, 262144 gives 10000. */
	l = log2_fixed(shares);
	exponent = (((l * l) >> 20) + 125 * l) / 612;
	exponent = exponent > (7ULL << 20) / 34 ? exponent - (7ULL << 20) / 34 : 0;
	l = pow10_ceil(exponent);
	/* The last digit of the fixed point must not push an exact power over. */
	return l > 10000 ? 10000 : shares == 1024 ? 100 : shares == 2 ? 1 : l;
}

static int memory_v2(struct list *list, const struct oci_memory *m, struct err *err)
{
	bool limited = m->limit.set && m->limit.v > 0;

	if (m->limit.set && m->limit.v)
		add(list, "memory", "memory.max", number(list, m->limit.v, true), "memory.limit");
	if (m->swap.set && m->swap.v > 0) {
		/* The spec counts memory and swap together, v2 counts swap alone. */
		if (!limited)
			return err_set(err, EINVAL, "config.json: linux.resources.memory.swap: needs a memory.limit");
		if (m->swap.v < m->limit.v)
			return err_set(err, EINVAL, "config.json: linux.resources.memory.swap: %lld is below the "
				       "memory.limit %lld", (long long)m->swap.v, (long long)m->limit.v);
		add(list, "memory", "memory.swap.max", number(list, m->swap.v - m->limit.v, true),
		    "memory.swap");
	} else if ((m->swap.set && m->swap.v < 0) || (!m->swap.set && m->limit.set && m->limit.v < 0)) {
		add(list, "memory", "memory.swap.max", "max", "memory.swap");
	}
	if (m->reservation.set && m->reservation.v)
		add(list, "memory", "memory.low", number(list, m->reservation.v, true), "memory.reservation");
	return 0;
}

static void memory_v1(struct list *list, const struct oci_memory *m)
{
	if (m->limit.set && m->limit.v)
		add(list, "memory", "memory.limit_in_bytes", number(list, m->limit.v, false), "memory.limit");
	if (m->swap.set && m->swap.v)
		add(list, "memory", "memory.memsw.limit_in_bytes", number(list, m->swap.v, false),
		    "memory.swap");
	if (m->reservation.set && m->reservation.v)
		add(list, "memory", "memory.soft_limit_in_bytes", number(list, m->reservation.v, false),
		    "memory.reservation");
	if (m->swappiness.set)
		add(list, "memory", "memory.swappiness", unsigned_number(list, m->swappiness.v),
		    "memory.swappiness");
	if (m->disable_oom_killer.v)
		add(list, "memory", "memory.oom_control", "1", "memory.disableOOMKiller");
}

static void cpu_v2(struct list *list, const struct oci_cpu *cpu)
{
	if (cpu->shares.set && cpu->shares.v)
		add(list, "cpu", "cpu.weight", unsigned_number(list, plan_resources_weight(cpu->shares.v)),
		    "cpu.shares");
	if ((cpu->quota.set && cpu->quota.v) || (cpu->period.set && cpu->period.v))
		add(list, "cpu", "cpu.max",
		    arena_strf(list->arena, "%s %llu", number(list, cpu->quota.v > 0 ? cpu->quota.v : -1, true),
			       cpu->period.set && cpu->period.v ? (unsigned long long)cpu->period.v : 100000),
		    "cpu.quota");
	if (cpu->burst.set)
		add(list, "cpu", "cpu.max.burst", unsigned_number(list, cpu->burst.v), "cpu.burst");
	if (cpu->idle.set)
		add(list, "cpu", "cpu.idle", number(list, cpu->idle.v, true), "cpu.idle");
}

static void cpu_v1(struct list *list, const struct oci_cpu *cpu)
{
	if (cpu->shares.set && cpu->shares.v)
		add(list, "cpu", "cpu.shares", unsigned_number(list, cpu->shares.v), "cpu.shares");
	if (cpu->period.set && cpu->period.v)
		add(list, "cpu", "cpu.cfs_period_us", unsigned_number(list, cpu->period.v), "cpu.period");
	if (cpu->quota.set && cpu->quota.v)
		add(list, "cpu", "cpu.cfs_quota_us", number(list, cpu->quota.v, false), "cpu.quota");
	if (cpu->burst.set)
		add(list, "cpu", "cpu.cfs_burst_us", unsigned_number(list, cpu->burst.v), "cpu.burst");
	if (cpu->realtime_period.set)
		add(list, "cpu", "cpu.rt_period_us", unsigned_number(list, cpu->realtime_period.v),
		    "cpu.realtimePeriod");
	if (cpu->realtime_runtime.set)
		add(list, "cpu", "cpu.rt_runtime_us", number(list, cpu->realtime_runtime.v, false),
		    "cpu.realtimeRuntime");
	if (cpu->idle.set)
		add(list, "cpu", "cpu.idle", number(list, cpu->idle.v, false), "cpu.idle");
}

static void cpuset(struct list *list, const struct oci_cpu *cpu)
{
	if (cpu->cpus)
		add(list, "cpuset", "cpuset.cpus", cpu->cpus, "cpu.cpus");
	if (cpu->mems)
		add(list, "cpuset", "cpuset.mems", cpu->mems, "cpu.mems");
}

static int unified(struct list *list, const struct oci_resources *r, bool v2, struct err *err)
{
	for (size_t i = 0; i < r->unified.n; i++) {
		const char *key = r->unified.v[i].key, *dot = strchr(key, '.');

		if (!v2)
			return err_set(err, EINVAL, "config.json: linux.resources.unified: cannot use unified on "
				       "cgroup v1");
		if (strchr(key, '/') || !dot)
			return err_set(err, EINVAL, "config.json: linux.resources.unified: \"%s\" is not the name "
				       "of a cgroup file", key);
		add(list, arena_strndup(list->arena, key, (size_t)(dot - key)), key, r->unified.v[i].value,
		    arena_strf(list->arena, "unified[\"%s\"]", key));
	}
	return 0;
}

/* What has no row above is refused, never passed over. */
static int refuse_rest(const struct oci_resources *r, bool v2, struct err *err)
{
	const char *what = r->block_io	     ? "blockIO" :
			   r->rdma.n	     ? "rdma" :
			   r->network && !v2 ? "network" :
					       NULL;

	if (r->network && v2)
		return err_set(err, EINVAL, "config.json: linux.resources.network: cgroup v2 has no such controller");
	if (what)
		return err_set(err, ENOTSUP, "config.json: linux.resources.%s: not supported by this version of "
			       "usrun", what);
	return 0;
}

int plan_resources_build(struct arena *arena, const struct oci_resources *resources, bool v2,
			 const struct cgroup_write **ret, size_t *ret_n, struct err *err)
{
	struct list list = { .arena = arena };
	int r = refuse_rest(resources, v2, err);

	if (r == 0 && resources->memory && v2)
		r = memory_v2(&list, resources->memory, err);
	if (r < 0)
		return r;
	if (resources->memory && !v2)
		memory_v1(&list, resources->memory);
	if (resources->cpu) {
		if (v2)
			cpu_v2(&list, resources->cpu);
		else
			cpu_v1(&list, resources->cpu);
		cpuset(&list, resources->cpu);
	}
	if (resources->pids && resources->pids->limit.set)
		add(&list, "pids", "pids.max", number(&list, resources->pids->limit.v, true), "pids.limit");
	for (size_t i = 0; i < resources->hugepage_limits.n; i++) {
		const struct oci_hugepage_limit *h = &resources->hugepage_limits.v[i];

		add(&list, "hugetlb",
		    arena_strf(arena, v2 ? "hugetlb.%s.max" : "hugetlb.%s.limit_in_bytes", h->page_size),
		    unsigned_number(&list, h->limit.v), "hugepageLimits");
	}
	r = unified(&list, resources, v2, err);
	*ret = list.v;
	*ret_n = list.n;
	return r;
}

bool plan_resources_any(const struct oci_resources *resources)
{
	return resources && (resources->memory || resources->cpu || resources->block_io ||
			     resources->hugepage_limits.n || resources->network ||
			     (resources->pids && resources->pids->limit.set) || resources->rdma.n ||
			     resources->unified.n);
}
