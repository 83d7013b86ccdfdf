/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to cgroup files as a list that grows, the scales of the two layouts, and what takes a write back. Pure. */
#pragma once

#include "src/plan/plan_cgroup.h"

/* How the host has divided the controllers. */
struct plan_layout {
	bool v2;
	const char *unified; /* v1: what the v2 tree beside it has, with blanks between; or NULL */
};

struct plan_writes {
	struct arena *arena;
	bool v2;
	struct cgroup_write *v;
	size_t n, cap;
};

/* Adds a required write and returns it, for the rarer fields. path is copied, behind "linux.resources.". Where
 * there is no file, there is no limit: "max" and "-1" may miss theirs. */
struct cgroup_write *plan_writes_add(struct plan_writes *w, const char *controller,
				     const char *file, const char *value, const char *path)
	__attribute__((returns_nonnull));

const char *plan_writes_uint(struct plan_writes *w, uint64_t value);

/* A limit: negative is "max" or "-1". */
const char *plan_writes_limit(struct plan_writes *w, int64_t value);

/* The error for a property without an equivalent in v2. */
int plan_writes_v1_only(struct err *err, const char *path) MUST_CHECK;

/* cpu.shares (2 to 262144) as cpu.weight (1 to 10000), and blockIO.weight (10 to 1000) as io.weight (1 to 10000),
 * by the formulas of crun and runc. */
uint64_t plan_writes_weight(uint64_t shares);
uint64_t plan_writes_io_weight(uint64_t weight);

/* From the text that a file had, the value that undoes a write of `value`; NULL where there is none to
 * write: a file that cannot be read, or one that lists what was set and has nothing to say for "unset". */
const char *plan_writes_old(struct arena *arena, const char *file, const char *value,
			    const char *text);
