/* SPDX-License-Identifier: Apache-2.0 */
/* Most properties are one number for one file: they stand in the tables. The others, where one file takes
 * two properties or the meaning differs between the layouts, have a function each. In all of them 0
 * means "leave it as it is" (clients send the fields that the user did not set as 0) unless the
 * specification says that 0 is a value. */
#include "src/plan/plan_resources.h"

#include "src/base/str.h"
#include "src/plan/plan_writes.h"

#include <string.h>

enum kind {
	LIMIT,    /* struct json_int; 0: leave alone, negative: none */
	LIMIT_0,  /* struct json_int; 0 is a limit */
	NUMBER,   /* struct json_uint; 0: leave alone */
	NUMBER_0, /* struct json_uint; 0 is a value */
	FLAG,     /* struct json_bool; only true is written */
	TEXT,
};

struct row {
	const char *path;
	enum kind kind;
	size_t offset;
	const char *controller, *v1,
		*v2; /* v1, v2: the file; NULL where there is none; "" for nothing to do */
};

#define MEMORY(field) offsetof(struct oci_memory, field)
#define CPU(field) offsetof(struct oci_cpu, field)

/* Kernel memory (kernel, kernelTCP) has no row: kernels dropped it, and the specification advises against it. */
static const struct row memory_rows[] = {
	{ "memory.reservation", LIMIT, MEMORY(reservation), "memory", "memory.soft_limit_in_bytes",
	  "memory.low" },
	{ "memory.swappiness", NUMBER_0, MEMORY(swappiness), "memory", "memory.swappiness", NULL },
	{ "memory.disableOOMKiller", FLAG, MEMORY(disable_oom_killer), "memory",
	  "memory.oom_control", NULL },
	{ "memory.useHierarchy", FLAG, MEMORY(use_hierarchy), "memory", "memory.use_hierarchy",
	  "" },
};

static const struct row cpu_v1_rows[] = {
	{ "cpu.shares", NUMBER, CPU(shares), "cpu", "cpu.shares", NULL },
	{ "cpu.period", NUMBER, CPU(period), "cpu", "cpu.cfs_period_us", NULL },
	{ "cpu.quota", LIMIT, CPU(quota), "cpu", "cpu.cfs_quota_us", NULL },
};

static const struct row cpu_rows[] = {
	{ "cpu.burst", NUMBER_0, CPU(burst), "cpu", "cpu.cfs_burst_us", "cpu.max.burst" },
	{ "cpu.realtimePeriod", NUMBER, CPU(realtime_period), "cpu", "cpu.rt_period_us", NULL },
	{ "cpu.realtimeRuntime", LIMIT, CPU(realtime_runtime), "cpu", "cpu.rt_runtime_us", NULL },
	{ "cpu.idle", LIMIT_0, CPU(idle), "cpu", "cpu.idle", "cpu.idle" },
	{ "cpu.cpus", TEXT, CPU(cpus), "cpuset", "cpuset.cpus", "cpuset.cpus" },
	{ "cpu.mems", TEXT, CPU(mems), "cpuset", "cpuset.mems", "cpuset.mems" },
};

/* The value as text, or NULL where there is nothing to write. */
static const char *row_value(struct plan_writes *w, const struct row *row, const void *at)
{
	const struct json_int *i = at;
	const struct json_uint *u = at;
	const char *text;

	switch (row->kind) {
	case LIMIT:
		return i->set && i->v ? plan_writes_limit(w, i->v) : NULL;
	case LIMIT_0:
		return i->set ? plan_writes_limit(w, i->v) : NULL;
	case NUMBER:
		return u->set && u->v ? plan_writes_uint(w, u->v) : NULL;
	case NUMBER_0:
		return u->set ? plan_writes_uint(w, u->v) : NULL;
	case FLAG:
		return ((const struct json_bool *)at)->v ? "1" : NULL;
	case TEXT:
		memcpy(&text, at, sizeof(text));
		return text && *text ? text : NULL;
	}
	return NULL;
}

static int add_rows(struct plan_writes *w, const struct row *rows, size_t n, const void *object,
		    struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *file = w->v2 ? rows[i].v2 : rows[i].v1;
		const char *value = row_value(w, &rows[i], (const char *)object + rows[i].offset);

		if (!value)
			continue;
		if (!file)
			return plan_writes_v1_only(err, rows[i].path);
		if (*file) /* no burst and not idle is what a kernel without these files does */
			plan_writes_add(w, rows[i].controller, file, value, rows[i].path)
				->may_miss =
				str_equal(rows[i].controller, "cpu") && str_equal(value, "0");
	}
	return 0;
}
#define ADD_ROWS(w, rows, object, err)                                                             \
	add_rows((w), (rows), sizeof(rows) / sizeof((rows)[0]), (object), (err))

/* log2 of x >= 1 with 44 bits behind the point: the planner is pure and has no libm. */
static uint64_t log2_fixed(uint64_t x)
{
	int whole = 63 - __builtin_clzll(x);
	uint64_t y = x << (62 - whole), result = (uint64_t)whole << 44;

	for (uint64_t bit = 1ULL << 43; bit; bit >>= 1) {
		y = (uint64_t)(((unsigned __int128)y * y) >> 62);
		if (y >> 63) {
			y >>= 1;
			result |= bit;
		}
	}
	return result;
}

/* The weight is 10^((l^2 + 125 l) / 612 - 7/34), rounded up, with l = log2(shares): 2 gives 1, 1024 gives
 * 100, 262144 gives 10000. It is the smallest w with 612 log2(w) >= (l^2 + 125 l - 126) log2(10). */
uint64_t plan_resources_weight(uint64_t shares)
{
	const uint64_t log2_10 = 58439977071430; /* 44 bits behind the point */
	const uint64_t error = 1ULL
			       << 16; /* of the rounded logarithms: the three above are exact */
	uint64_t low = 1, high = 10000, l, power;

	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	l = log2_fixed(shares);
	power = (uint64_t)(((unsigned __int128)l * l) >> 44) + 125 * l - (126ULL << 44);
	power = (uint64_t)(((unsigned __int128)power * log2_10) >> 44);
	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (612 * log2_fixed(middle) + error >= power)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

uint64_t plan_resources_io_weight(uint64_t weight)
{
	if (weight <= 10)
		return 1;
	return weight >= 1000 ? 10000 : 1 + (weight - 10) * 9999 / 990;
}

/* The specification counts memory and swap together, as v1 does; v2 counts swap alone. */
static int check_swap(const struct oci_memory *m, bool v2, struct err *err)
{
	if (!m->swap.set || m->swap.v <= 0)
		return 0;
	if (m->limit.set && m->limit.v > 0 && m->swap.v < m->limit.v)
		return err_set(
			err, EINVAL,
			"config.json: linux.resources.memory.swap: memory and swap together, "
			"%lld, cannot be less than memory.limit, %lld",
			(long long)m->swap.v, (long long)m->limit.v);
	if (v2 && !(m->limit.set && m->limit.v > 0))
		return err_set(err, EINVAL,
			       "config.json: linux.resources.memory.swap: needs a memory.limit");
	return 0;
}

static void add_swap(struct plan_writes *w, const struct oci_memory *m)
{
	const char *file = w->v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes";
	bool unlimited = m->limit.set && m->limit.v < 0;
	int64_t value = m->swap.set ? m->swap.v : 0;

	if (!value && !unlimited)
		return;
	/* No limit on memory lifts that on both, else the old one would stay in force. */
	if (!value)
		value = -1;
	if (w->v2 && value > 0)
		value -= m->limit.v;
	/* A kernel that counts no swap limits none, and has none to take away. */
	plan_writes_add(w, "memory", file, plan_writes_limit(w, value), "memory.swap")->may_miss =
		value < 0 || (w->v2 && value == 0);
}

static int add_memory(struct plan_writes *w, const struct oci_memory *m, struct err *err)
{
	int r = check_swap(m, w->v2, err);

	if (r < 0)
		return r;
	if (m->limit.set && m->limit.v) {
		struct cgroup_write *limit =
			plan_writes_add(w, "memory", w->v2 ? "memory.max" : "memory.limit_in_bytes",
					plan_writes_limit(w, m->limit.v), "memory.limit");

		if (m->check_before_update.v && m->limit.v > 0)
			limit->usage_file = w->v2 ? "memory.current" : "memory.usage_in_bytes";
	}
	add_swap(w, m);
	return ADD_ROWS(w, memory_rows, m, err);
}

static void add_cpu_v2(struct plan_writes *w, const struct oci_cpu *cpu)
{
	bool quota = cpu->quota.set && cpu->quota.v, period = cpu->period.set && cpu->period.v;

	if (cpu->shares.set && cpu->shares.v)
		(void)plan_writes_add(w, "cpu", "cpu.weight",
				      plan_writes_uint(w, plan_resources_weight(cpu->shares.v)),
				      "cpu.shares");
	if (!quota && !period)
		return;
	(void)plan_writes_add(w, "cpu", "cpu.max",
			      arena_strf(w->arena, "%s %llu",
					 plan_writes_limit(w, cpu->quota.v > 0 ? cpu->quota.v : -1),
					 period ? (unsigned long long)cpu->period.v : 100000),
			      quota ? "cpu.quota" : "cpu.period");
}

static int add_cpu(struct plan_writes *w, const struct oci_cpu *cpu, struct err *err)
{
	int r = 0;

	if (w->v2)
		add_cpu_v2(w, cpu);
	else
		r = ADD_ROWS(w, cpu_v1_rows, cpu, err);
	return r < 0 ? r : ADD_ROWS(w, cpu_rows, cpu, err);
}

/* A file name with the controller in front ("memory.high"), no directory. */
static bool is_unified_key(const char *key)
{
	return *key != '.' && strchr(key, '.') && !strchr(key, '/') && strcspn(key, ".") < 32;
}

/* Files such as io.max take one line a write. */
static int add_unified(struct plan_writes *w, const struct oci_resources *resources,
		       struct err *err)
{
	for (size_t i = 0; i < resources->unified.n; i++) {
		const char *key = resources->unified.v[i].key,
			   *line = resources->unified.v[i].value;
		const char *path = arena_strf(w->arena, "unified[\"%s\"]", key), *controller;

		if (!w->v2)
			return err_set(
				err, EINVAL,
				"config.json: linux.resources.%s: cgroup v1 has no such files",
				path);
		if (!is_unified_key(key))
			return err_set(err, EINVAL,
				       "config.json: linux.resources.%s: not the name of a cgroup "
				       "file, as memory.high is",
				       path);
		controller = arena_strndup(w->arena, key, strcspn(key, "."));
		do {
			size_t len = strcspn(line, "\n");

			if (len || !line[len])
				(void)plan_writes_add(w, controller, key,
						      arena_strndup(w->arena, line, len), path);
			line += len + (line[len] == '\n');
		} while (*line);
	}
	return 0;
}

int plan_resources_build(struct arena *arena, const struct oci_resources *resources, bool v2,
			 const struct cgroup_write **ret, size_t *ret_n, struct err *err)
{
	struct plan_writes w = { .arena = arena, .v2 = v2 };
	int r = 0;

	if (resources->memory)
		r = add_memory(&w, resources->memory, err);
	if (r == 0 && resources->cpu)
		r = add_cpu(&w, resources->cpu, err);
	if (r == 0 && resources->block_io)
		r = plan_writes_block_io(&w, resources->block_io, err);
	if (r == 0 && resources->network)
		r = plan_writes_network(&w, resources->network, err);
	if (r < 0)
		return r;
	plan_writes_hugetlb(&w, resources);
	plan_writes_rdma(&w, resources);
	if (resources->pids && resources->pids->limit.set)
		(void)plan_writes_add(&w, "pids", "pids.max",
				      resources->pids->limit.v < 0
					      ? "max"
					      : plan_writes_limit(&w, resources->pids->limit.v),
				      "pids.limit");
	r = add_unified(&w, resources, err);
	if (r < 0)
		return r;
	*ret = w.v;
	*ret_n = w.n;
	return 0;
}

bool plan_resources_any(const struct oci_resources *resources)
{
	return resources && (resources->memory || resources->cpu || resources->block_io ||
			     resources->hugepage_limits.n || resources->network ||
			     (resources->pids && resources->pids->limit.set) || resources->rdma.n ||
			     resources->unified.n);
}
