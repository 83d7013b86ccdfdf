/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of plan_build(), private to this directory. Each fills its part of the plan. */
#pragma once

#include "src/plan/plan.h"
#include "src/plan/powers.h"

struct plan_build { /* what the parts share while the plan is made */
	struct arena *arena;
	struct plan *plan;
	struct plan_warning *warnings;
	size_t n_warnings, cap_warnings;
};

/* Records a departure from the config. */
void plan_parts_warn(struct plan_build *b, const char *fmt, ...) PRINTF(2, 3);

int plan_ns_build(struct plan_build *b, struct err *err) MUST_CHECK;
int plan_idmap_build(struct plan_build *b, struct err *err) MUST_CHECK;
int plan_mounts_build(struct plan_build *b, struct err *err) MUST_CHECK;
void plan_notify_build(struct plan_build *b);
int plan_annotations_build(struct plan_build *b, struct err *err) MUST_CHECK;

/* Cannot fail: the checks have seen the names. */
void plan_rdt_build(struct plan_build *b);

int plan_net_build(struct plan_build *b, struct err *err) MUST_CHECK;
int plan_devices_build(struct plan_build *b, struct err *err) MUST_CHECK;
int plan_process_build(struct plan_build *b, const struct oci_process *process,
		       struct err *err) MUST_CHECK;

/* Whether an id of the container has a host id, as far as the plan knows (a joined user namespace is
 * not known). */
bool plan_parts_uid_mapped(const struct plan *plan, uint32_t uid);
bool plan_parts_gid_mapped(const struct plan *plan, uint32_t gid);
