/* SPDX-License-Identifier: Apache-2.0 */
/* The list that the table of resources fills. Private to the planner of cgroups. */
#pragma once

#include "src/plan/cgroup_plan.h"

struct plan_writes {
	struct arena *arena;
	bool v2;
	struct cgroup_write *v;
	size_t n, cap;
};

/* Adds a required write and returns it, for the rarer fields. path is copied, behind "linux.resources.". */
struct cgroup_write *plan_writes_add(struct plan_writes *w, const char *controller,
				     const char *file, const char *value, const char *path)
	__attribute__((returns_nonnull));

const char *plan_writes_uint(struct plan_writes *w, uint64_t value);

/* A limit: negative is "max" or "-1". */
const char *plan_writes_limit(struct plan_writes *w, int64_t value);

/* linux.resources.blockIO. */
int plan_writes_block_io(struct plan_writes *w, const struct oci_block_io *io,
			 struct err *err) MUST_CHECK;

/* linux.resources.network, rdma, hugepageLimits. */
int plan_writes_network(struct plan_writes *w, const struct oci_network *network,
			struct err *err) MUST_CHECK;
void plan_writes_rdma(struct plan_writes *w, const struct oci_resources *resources);
void plan_writes_hugetlb(struct plan_writes *w, const struct oci_resources *resources);

/* The error for a property without an equivalent in v2. */
int plan_writes_v1_only(struct err *err, const char *path) MUST_CHECK;
