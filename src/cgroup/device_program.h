/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules as a BPF program for a v2 cgroup. Pure. */
#pragma once

#include "src/plan/plan_cgroup.h"

#include <linux/bpf.h>

/* Compiles the rules into an array in the arena. For each of mknod, read and write, the last rule
 * that matches decides; without a match the access is denied. -E2BIG if there are more rules than
 * jumps can span. */
int device_program_compile(struct arena *arena, const struct cgroup_device_rule *rules, size_t n,
			   const struct bpf_insn **ret, size_t *ret_n, struct err *err) MUST_CHECK;
