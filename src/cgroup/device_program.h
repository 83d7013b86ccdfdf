/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules as a BPF program for a v2 cgroup. Pure. */
#pragma once

#include "src/plan/plan_cgroup.h"

#include <linux/bpf.h>

/* Compiles the list (the last rule that matches decides, for mknod, read and write each by itself;
 * what no rule matches is denied) into an array in the arena. -E2BIG for more rules than jumps can
 * span. */
int device_program_compile(struct arena *arena, const struct cgroup_device_rule *rules, size_t n,
			   const struct bpf_insn **ret, size_t *ret_n, struct err *err) MUST_CHECK;
