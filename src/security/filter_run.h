/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluates a filter for a system call, to predict the kernel's answer. Pure. */
#pragma once

#include "src/security/filter_compile.h"

struct filter_question {
	int nr;
	uint64_t args[6];
};

/* SECCOMP_RET_*, with its data; KILL_PROCESS for a program that cannot be evaluated. */
uint32_t filter_run(const struct filter_program *program, const struct filter_question *call);

/* Whether the call is executed without consulting a listener or tracer. */
bool filter_run_passes(const struct filter_program *program, const struct filter_question *call);
