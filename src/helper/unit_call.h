/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of cgroup/unit.h, on the side that has the library. */
#pragma once

#include "src/cgroup/unit_message.h"

struct unit_answer {
	struct str dropped; /* names of properties that this systemd does not know: "A, B" */
	const char *path;   /* of a slice that was started (arena), or NULL */
};

int unit_call(struct arena *arena, const struct unit_request *request, struct unit_answer *ret,
	      struct err *err) MUST_CHECK;
