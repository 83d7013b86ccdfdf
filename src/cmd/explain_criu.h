/* SPDX-License-Identifier: Apache-2.0 */
/* `explain` for a request to CRIU. */
#pragma once

#include "src/cmd/cmd.h"
#include "src/plan/plan.h"

/* To write the container to files. */
int explain_criu_checkpoint(struct arena *arena, const struct cmd_globals *globals, const char *id,
			    struct str *out, struct err *err) MUST_CHECK;

/* To restore one from the plan. here: it is for this host and caller. */
int explain_criu_restore(struct arena *arena, const struct oci_config *config,
			 const struct plan *plan, bool here, struct str *out,
			 struct err *err) MUST_CHECK;
