/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a manager of systemd, as it goes to the helper: a record of texts, each with its NUL. */
#pragma once

#include "src/base/str.h"
#include "src/plan/cgroup_plan.h"

#include <sys/types.h>

enum unit_op { UNIT_OP_START, UNIT_OP_SET, UNIT_OP_STOP, UNIT_OP_ATTACH };

struct unit_request {
	enum unit_op op;
	struct cgroup_unit unit; /* what the operation needs of it; texts may be NULL */
	pid_t pid;               /* start: the process of a scope; attach */
};

void unit_message_write(struct str *record, const struct unit_request *request);

/* The request that a record holds; its texts stay in the record. -EINVAL for anything else. */
int unit_message_read(struct arena *arena, const char *record, size_t len,
		      struct unit_request *ret) MUST_CHECK;
