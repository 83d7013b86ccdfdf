/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of a configuration to a decision, on the host of saved facts: what the commands do
 * before they change anything. */
#pragma once

#include "src/plan/plan.h"

/* Reads a facts document. Ends the program where it cannot. */
void decide_read_facts(struct arena *arena, const char *path, struct facts *ret);

/* `create`: decoded, checked and planned. file is config.json in errors. */
int decide_create(struct arena *arena, const struct facts *facts, const char *text, size_t len,
		  const struct plan **ret, struct err *err) MUST_CHECK;

/* `exec` of the process of a configuration that decide_create() took, in its container. */
int decide_exec(struct arena *arena, const struct plan *plan, const struct plan **ret,
		struct err *err) MUST_CHECK;
