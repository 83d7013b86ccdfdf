/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan_writes.h"

#include "src/plan/plan_resources.h"

#include <string.h>

struct cgroup_write *plan_writes_add(struct plan_writes *w, const char *controller,
				     const char *file, const char *value, const char *path)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 8;
		w->v = arena_grow(w->arena, w->v, w->n, w->cap, sizeof(*w->v));
	}
	w->v[w->n] = (struct cgroup_write){
		.controller = controller,
		.file = file,
		.value = value,
		.required = true,
		.json_path = arena_strf(w->arena, "linux.resources.%s", path),
	};
	return &w->v[w->n++];
}

const char *plan_writes_uint(struct plan_writes *w, uint64_t value)
{
	return arena_strf(w->arena, "%llu", (unsigned long long)value);
}

const char *plan_writes_limit(struct plan_writes *w, int64_t value)
{
	if (value < 0)
		return w->v2 ? "max" : "-1";
	return plan_writes_uint(w, (uint64_t)value);
}

int plan_writes_v1_only(struct err *err, const char *path)
{
	(void)err_set(err, EINVAL, "config.json: linux.resources.%s: cgroup v2 has no equivalent",
		      path);
	err_hint(err, "remove %s from the config; this host has cgroup v2 only", path);
	return -EINVAL;
}

/* BFQ has its own file; kernels without it (or v1 with CFQ, before 5.0) have the general one. Both scales
 * are in the config's unit but that of io.weight. */
static void add_weight(struct plan_writes *w, const char *suffix, const char *device,
		       uint64_t weight, const char *path)
{
	const char *value = arena_strf(w->arena, "%s%llu", device, (unsigned long long)weight);
	struct cgroup_write *write;

	if (w->v2) {
		write = plan_writes_add(w, "io", "io.bfq.weight", value, path);
		write->alt_file = "io.weight";
		write->alt_value = arena_strf(w->arena, "%s%llu", device,
					      (unsigned long long)plan_resources_io_weight(weight));
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

/* One write a device: io.max takes a single line. A rate of 0 takes the limit away: "max" for v2. */
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

int plan_writes_block_io(struct plan_writes *w, const struct oci_block_io *io, struct err *err)
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

int plan_writes_network(struct plan_writes *w, const struct oci_network *network, struct err *err)
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

void plan_writes_rdma(struct plan_writes *w, const struct oci_resources *resources)
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
		(void)plan_writes_add(w, "rdma", "rdma.max", value,
				      arena_strf(w->arena, "rdma[\"%s\"]", rdma->key));
	}
}

/* What is reserved (mmap) and what is used (page faults) are counted apart; the reservations only by
 * kernels from 5.7 on. */
void plan_writes_hugetlb(struct plan_writes *w, const struct oci_resources *resources)
{
	const char *end = w->v2 ? "max" : "limit_in_bytes";

	for (size_t i = 0; i < resources->hugepage_limits.n; i++) {
		const struct oci_hugepage_limit *h = &resources->hugepage_limits.v[i];
		const char *value = plan_writes_uint(w, h->limit.v);
		const char *path = arena_strf(w->arena, "hugepageLimits[%zu]", i);
		const char *file = arena_strf(w->arena, "hugetlb.%s.%s", h->page_size, end);

		(void)plan_writes_add(w, "hugetlb", file, value, path);
		file = arena_strf(w->arena, "hugetlb.%s.rsvd.%s", h->page_size, end);
		plan_writes_add(w, "hugetlb", file, value, path)->may_miss = true;
	}
}
