/* SPDX-License-Identifier: Apache-2.0 */
/* Most properties are one number for one file and have a row in a table. The others, where a file
 * takes two properties or the layouts differ in meaning, have a function each. 0 always means
 * "leave it as it is", because clients send fields that the user did not set as 0, unless the
 * specification makes 0 a value. */
#include "src/plan/plan_cgroup.h"

#include "src/base/str.h"

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
	char path[24];
	enum kind kind : 8;
	uint16_t offset;
	char controller[8], v1[32], v2[16]; /* v1, v2: the file; "": it has none */
};

/* Instead of a file: there is nothing to do. */
#define IN_ANY_CASE "-"

#define MEMORY(field) offsetof(struct oci_memory, field)
#define CPU(field) offsetof(struct oci_cpu, field)

/* memory.kernel has no row: kernels have dropped it, and the specification advises against it. */
static const struct row memory_rows[] = {
	{ "memory.reservation", LIMIT, MEMORY(reservation), "memory", "memory.soft_limit_in_bytes",
	  "memory.low" },
	{ "memory.kernelTCP", LIMIT, MEMORY(kernel_tcp), "memory", "memory.kmem.tcp.limit_in_bytes",
	  IN_ANY_CASE },
	{ "memory.swappiness", NUMBER_0, MEMORY(swappiness), "memory", "memory.swappiness", "" },
	{ "memory.disableOOMKiller", FLAG, MEMORY(disable_oom_killer), "memory",
	  "memory.oom_control", "" },
	{ "memory.useHierarchy", FLAG, MEMORY(use_hierarchy), "memory", "memory.use_hierarchy",
	  IN_ANY_CASE },
};

static const struct row cpu_v1_rows[] = {
	{ "cpu.shares", NUMBER, CPU(shares), "cpu", "cpu.shares", "" },
	{ "cpu.period", NUMBER, CPU(period), "cpu", "cpu.cfs_period_us", "" },
	{ "cpu.quota", LIMIT, CPU(quota), "cpu", "cpu.cfs_quota_us", "" },
};

static const struct row cpu_rows[] = {
	{ "cpu.burst", NUMBER_0, CPU(burst), "cpu", "cpu.cfs_burst_us", "cpu.max.burst" },
	{ "cpu.realtimePeriod", NUMBER, CPU(realtime_period), "cpu", "cpu.rt_period_us", "" },
	{ "cpu.realtimeRuntime", LIMIT, CPU(realtime_runtime), "cpu", "cpu.rt_runtime_us", "" },
	{ "cpu.idle", LIMIT_0, CPU(idle), "cpu", "cpu.idle", "cpu.idle" },
	{ "cpu.cpus", TEXT, CPU(cpus), "cpuset", "cpuset.cpus", "cpuset.cpus" },
	{ "cpu.mems", TEXT, CPU(mems), "cpuset", "cpuset.mems", "cpuset.mems" },
};

/* The value as text, or NULL if there is nothing to write. */
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
		struct cgroup_write *write;

		if (!value)
			continue;
		if (!*file)
			return plan_writes_v1_only(err, rows[i].path);
		if (str_equal(file, IN_ANY_CASE))
			continue;
		write = plan_writes_add(w, rows[i].controller, file, value, rows[i].path);
		/* no burst and not idle is how a kernel without these files behaves */
		if (str_equal(rows[i].controller, "cpu") && str_equal(value, "0"))
			write->may_miss = true;
		/* newer kernels have dropped it, and nobody depends on it */
		write->required = !str_equal(rows[i].path, "memory.kernelTCP");
	}
	return 0;
}
#define ADD_ROWS(w, rows, object, err)                                                             \
	add_rows((w), (rows), sizeof(rows) / sizeof((rows)[0]), (object), (err))

/* The specification counts memory and swap together, as v1 does; v2 counts swap alone. */
static int check_swap(const struct oci_memory *m, bool v2, struct err *err)
{
	if (!m->swap.set || m->swap.v <= 0)
		return 0;
	if (m->limit.set && m->limit.v > 0 && m->swap.v < m->limit.v)
		return err_set(err, EINVAL,
			       ERR_AT "linux.resources.memory.swap: memory and swap together, "
				      "%lld, cannot be less than memory.limit, %lld",
			       (long long)m->swap.v, (long long)m->limit.v);
	if (v2 && !(m->limit.set && m->limit.v))
		return err_set(err, EINVAL,
			       ERR_AT "linux.resources.memory.swap: needs a memory.limit");
	return 0;
}

static void add_swap(struct plan_writes *w, const struct oci_memory *m)
{
	const char *file = w->v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes";
	bool unlimited = m->limit.set && m->limit.v < 0;
	int64_t value = m->swap.set ? m->swap.v : 0;
	struct cgroup_write *write;

	/* In v2 swap is counted separately, so even 0 is a limit that can be set. */
	if (!value && !unlimited && !(w->v2 && m->swap.set))
		return;
	/* Without a memory limit, lift the limit on both, or the old one would stay in force. */
	if (!value && unlimited)
		value = -1;
	/* With unlimited memory the sum cannot be limited, so the value applies to swap. */
	if (w->v2 && value > 0 && !unlimited)
		value -= m->limit.v;
	write = plan_writes_add(w, "memory", file, plan_writes_limit(w, value), "memory.swap");
	/* A kernel that does not count swap cannot limit it, and has none to take away. */
	if (w->v2 && value == 0)
		write->may_miss = true;
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
				      plan_writes_uint(w, plan_writes_weight(cpu->shares.v)),
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

/* BFQ has files of its own; kernels without it (or v1 with CFQ, before 5.0) have the general ones.
 * All use the config's scale except io.weight. */
static void add_weight(struct plan_writes *w, const char *suffix, const char *device,
		       uint64_t weight, const char *path)
{
	const char *value = arena_strf(w->arena, "%s%llu", device, (unsigned long long)weight);
	struct cgroup_write *write;

	if (w->v2) {
		write = plan_writes_add(w, "io", "io.bfq.weight", value, path);
		write->alt_file = "io.weight";
		write->alt_value = arena_strf(w->arena, "%s%llu", device,
					      (unsigned long long)plan_writes_io_weight(weight));
		return;
	}
	write = plan_writes_add(w, "blkio", arena_strf(w->arena, "blkio.weight%s", suffix), value,
				path);
	write->alt_file = arena_strf(w->arena, "blkio.bfq.weight%s", suffix);
	write->alt_value = value;
}

static int add_leaf_weight(struct plan_writes *w, const char *file, const char *device,
			   uint64_t weight, const char *path, struct err *err)
{
	if (w->v2)
		return plan_writes_v1_only(err, path);
	(void)plan_writes_add(w, "blkio", file,
			      arena_strf(w->arena, "%s%llu", device, (unsigned long long)weight),
			      path);
	return 0;
}

static int add_device_weights(struct plan_writes *w, const struct oci_block_io *io, struct err *err)
{
	for (size_t i = 0; i < io->weight_device.n; i++) {
		const struct oci_weight_device *d = &io->weight_device.v[i];
		const char *device = arena_strf(w->arena, "%lld:%lld ", (long long)d->major.v,
						(long long)d->minor.v);
		const char *path = arena_strf(w->arena, "blockIO.weightDevice[%zu]", i);

		if (d->weight.set && d->weight.v)
			add_weight(w, "_device", device, d->weight.v, path);
		if (d->leaf_weight.set && d->leaf_weight.v) {
			int r = add_leaf_weight(w, "blkio.leaf_weight_device", device,
						d->leaf_weight.v, path, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* One write per device, because io.max takes a single line. A rate of 0 lifts the limit: "max" in
 * v2. */
static void add_throttle(struct plan_writes *w, const oci_throttle_devices *devices, const char *v1,
			 const char *v2, const char *property)
{
	for (size_t i = 0; i < devices->n; i++) {
		const struct oci_throttle_device *d = &devices->v[i];
		const char *rate = w->v2 && !d->rate.v ? "max" : plan_writes_uint(w, d->rate.v);
		const char *path = arena_strf(w->arena, "blockIO.%s[%zu]", property, i);
		const char *value = arena_strf(w->arena, "%lld:%lld %s%s", (long long)d->major.v,
					       (long long)d->minor.v, w->v2 ? v2 : "", rate);

		(void)plan_writes_add(w, w->v2 ? "io" : "blkio", w->v2 ? "io.max" : v1, value,
				      path);
	}
}

static int add_block_io(struct plan_writes *w, const struct oci_block_io *io, struct err *err)
{
	int r = 0;

	if (io->weight.set && io->weight.v)
		add_weight(w, "", "", io->weight.v, "blockIO.weight");
	if (io->leaf_weight.set && io->leaf_weight.v)
		r = add_leaf_weight(w, "blkio.leaf_weight", "", io->leaf_weight.v,
				    "blockIO.leafWeight", err);
	if (r == 0)
		r = add_device_weights(w, io, err);
	if (r < 0)
		return r;
	add_throttle(w, &io->read_bps, "blkio.throttle.read_bps_device",
		     "rbps=", "throttleReadBpsDevice");
	add_throttle(w, &io->write_bps, "blkio.throttle.write_bps_device",
		     "wbps=", "throttleWriteBpsDevice");
	add_throttle(w, &io->read_iops, "blkio.throttle.read_iops_device",
		     "riops=", "throttleReadIOPSDevice");
	add_throttle(w, &io->write_iops, "blkio.throttle.write_iops_device",
		     "wiops=", "throttleWriteIOPSDevice");
	return 0;
}

static int add_network(struct plan_writes *w, const struct oci_network *network, struct err *err)
{
	bool class_id = network->class_id.set && network->class_id.v;

	if (w->v2 && class_id)
		return plan_writes_v1_only(err, "network.classID");
	if (w->v2 && network->priorities.n)
		return plan_writes_v1_only(err, "network.priorities");
	if (class_id)
		(void)plan_writes_add(w, "net_cls", "net_cls.classid",
				      plan_writes_uint(w, network->class_id.v), "network.classID");
	for (size_t i = 0; i < network->priorities.n; i++) {
		const struct oci_net_priority *p = &network->priorities.v[i];

		(void)plan_writes_add(
			w, "net_prio", "net_prio.ifpriomap",
			arena_strf(w->arena, "%s %llu", p->name, (unsigned long long)p->priority.v),
			arena_strf(w->arena, "network.priorities[%zu]", i));
	}
	return 0;
}

/* v1: whether the controller is in the v2 tree beside it. */
static bool is_beside(const struct plan_layout *layout, const char *controller)
{
	return !layout->v2 && layout->unified && str_has_word(layout->unified, controller, ' ');
}

/* Like huge pages, it is in the v2 tree on most hybrid hosts. */
static void add_rdma(struct plan_writes *w, const struct oci_resources *resources, bool unified)
{
	for (size_t i = 0; i < resources->rdma.n; i++) {
		const struct oci_rdma *rdma = &resources->rdma.v[i];
		const char *value = rdma->key;

		if (rdma->hca_handles.set)
			value = arena_strf(w->arena, "%s hca_handle=%llu", value,
					   (unsigned long long)rdma->hca_handles.v);
		if (rdma->hca_objects.set)
			value = arena_strf(w->arena, "%s hca_object=%llu", value,
					   (unsigned long long)rdma->hca_objects.v);
		plan_writes_add(w, "rdma", "rdma.max", value,
				arena_strf(w->arena, "rdma[\"%s\"]", rdma->key))
			->unified = unified;
	}
}

/* Reservations (mmap) and usage (page faults) are counted separately, reservations only since Linux
 * 5.7. Most hybrid hosts leave this controller to the v2 tree. */
static void add_hugetlb(struct plan_writes *w, const struct oci_resources *resources, bool unified)
{
	const char *end = w->v2 || unified ? "max" : "limit_in_bytes";

	for (size_t i = 0; i < resources->hugepage_limits.n; i++) {
		const struct oci_hugepage_limit *h = &resources->hugepage_limits.v[i];
		const char *value = plan_writes_uint(w, h->limit.v);
		const char *path = arena_strf(w->arena, "hugepageLimits[%zu]", i);
		const char *file = arena_strf(w->arena, "hugetlb.%s.%s", h->page_size, end);

		plan_writes_add(w, "hugetlb", file, value, path)->unified = unified;
		file = arena_strf(w->arena, "hugetlb.%s.rsvd.%s", h->page_size, end);
		plan_writes_add(w, "hugetlb", file, value, path)->may_miss = true;
		w->v[w->n - 1].unified = unified;
	}
}

/* A file name that starts with the controller ("memory.high"), without a directory. */
static bool is_unified_key(const char *key)
{
	return *key != '.' && strchr(key, '.') && !strchr(key, '/') && strcspn(key, ".") < 32;
}

/* Files such as io.max take one line per write. */
static int add_unified(struct plan_writes *w, const struct oci_resources *resources,
		       struct err *err)
{
	for (size_t i = 0; i < resources->unified.n; i++) {
		const char *key = resources->unified.v[i].key,
			   *line = resources->unified.v[i].value;
		const char *path = arena_strf(w->arena, "unified[\"%s\"]", key), *controller;

		if (!w->v2)
			return err_set(err, EINVAL,
				       ERR_AT "linux.resources.%s: cgroup v1 has no such files",
				       path);
		if (!is_unified_key(key))
			return err_set(err, EINVAL,
				       ERR_AT "linux.resources.%s: not the name of a cgroup file, "
					      "such as memory.high",
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

int plan_resources_build(struct arena *arena, const struct oci_resources *resources,
			 struct plan_layout layout, const struct cgroup_write **ret, size_t *ret_n,
			 struct err *err)
{
	struct plan_writes w = { .arena = arena, .v2 = layout.v2 };
	int r = 0;

	if (resources->memory)
		r = add_memory(&w, resources->memory, err);
	if (r == 0 && resources->cpu)
		r = add_cpu(&w, resources->cpu, err);
	if (r == 0 && resources->block_io)
		r = add_block_io(&w, resources->block_io, err);
	if (r == 0 && resources->network)
		r = add_network(&w, resources->network, err);
	if (r < 0)
		return r;
	add_hugetlb(&w, resources, is_beside(&layout, "hugetlb"));
	add_rdma(&w, resources, is_beside(&layout, "rdma"));
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
